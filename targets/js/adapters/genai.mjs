/** Drives the @google/genai package: generateContentStream. */

import {Seat, canonical, items, milliseconds, number, said, told, tool} from '../shown.mjs'

export default {
  package: '@google/genai',
  memory: true,
  dialects: ['gemini.stream'],

  async open({load}) {
    const {GoogleGenAI} = await load('@google/genai')
    const seat = new Seat()
    // Most releases have no option for it; those that have use the global one without.
    globalThis.fetch = seat.fetch
    const client = new GoogleGenAI({apiKey: 'replayfuzz'})
    return async function* (call) {
      seat.call = call
      const chunks = new Chunks()
      const stream = await client.models.generateContentStream(request(call))
      for await (const chunk of stream) yield* chunks.shown(chunk)
    }
  },
}

/** What one stream shows, chunk by chunk. */
class Chunks {
  #model = ''
  #begun = new Set() // candidates whose role was told
  #calls = 0
  #open = null; // the call that comes in pieces

  *shown(chunk) {
    if (said(chunk?.modelVersion) && chunk.modelVersion !== this.#model) {
      this.#model = chunk.modelVersion
      yield {type: 'model', model: chunk.modelVersion}
    }
    for (const candidate of items(chunk?.candidates)) yield* this.#candidate(candidate)
    const blocked = said(chunk?.promptFeedback?.blockReason)
    if (blocked) yield {type: 'finish', choice: 0, reason: blocked}
    if (told(chunk?.usageMetadata)) yield {type: 'usage', usage: chunk.usageMetadata}
  }

  *#candidate(candidate) {
    const choice = number(candidate?.index, 0)
    const role = said(candidate?.content?.role)
    if (role && !this.#begun.has(choice)) {
      this.#begun.add(choice)
      yield {type: 'role', choice, role}
    }
    for (const part of items(candidate?.content?.parts)) {
      const type = part?.thought === true ? 'reasoning' : 'text'
      if (said(part?.text)) yield {type, choice, text: part.text}
      if (part?.functionCall) yield* this.#call(part.functionCall, choice)
    }
    const reason = said(candidate?.finishReason)
    if (reason) yield {type: 'finish', choice, reason}
  }

  /** A function call; one that comes in pieces is put together by the caller. */
  *#call(given, choice) {
    if (this.#open || given.willContinue) {
      this.#open ??= {...given, partialArgs: []}
      this.#open.partialArgs.push(...items(given.partialArgs))
      if (given.willContinue) return
      given = {...this.#open, args: placed(this.#open.partialArgs)}
      this.#open = null
    }
    const [{id, name}, index] = [given, this.#calls++]
    yield tool({choice, index, id, name, arguments: canonical(given.args ?? {})})
  }
}

const STEP = /\.([^.[\]]+)|\[(\d+)\]|\['([^']*)'\]/g

/** The arguments whose values and paths *partialArgs* has; strings grow. */
function placed(pieces) {
  const root = {$: {}}
  for (const piece of pieces) {
    const value = piece.stringValue ?? piece.numberValue ?? piece.boolValue ?? null
    let [into, at] = [root, '$']
    for (const [, name, place, quoted] of said(piece.jsonPath).matchAll(STEP)) {
      into[at] ??= place === undefined ? {} : []
      into = into[at]
      at = place === undefined ? (name ?? quoted) : Number(place)
    }
    const grows = typeof into[at] === 'string' && typeof value === 'string'
    into[at] = grows ? into[at] + value : value
  }
  return root.$
}

function request(call) {
  const given = call.request
  const {contents = 'Hello', model = 'gemini-2.5-flash'} = given
  const {contents: _, model: __, ...extraBody} = given
  const httpOptions = {baseUrl: call.url, timeout: milliseconds(call)}
  if (told(extraBody)) httpOptions.extraBody = extraBody
  return {model, contents, config: {httpOptions}}
}
