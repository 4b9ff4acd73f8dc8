/** What clients of OpenAI's chat completions show: chunks, and a completion put together of them. */

import {Grown, Seat, heard, items, milliseconds, number, said, told, tool} from './shown.mjs'

/** The events of an iterable of chunks. */
export async function* chatChunks(stream) {
  const chunks = new Chunks()
  for await (const chunk of stream) yield* chunks.shown(chunk)
}

/** What a stream shows, chunk by chunk. */
export class Chunks {
  #model = '';

  /** The events of one chunk. */
  *shown(chunk) {
    const model = said(chunk?.model)
    if (model && model !== this.#model) {
      this.#model = model
      yield {type: 'model', model}
    }
    for (const [place, choice] of items(chunk?.choices).entries()) {
      const at = number(choice?.index, place)
      yield* message(choice?.delta, at)
      if (said(choice?.finish_reason)) yield finish(choice, at)
    }
    if (told(chunk?.usage)) yield {type: 'usage', usage: chunk.usage}
  }
}

/**
 * The events of a helper that accumulates: what its listeners hear of each chunk, then what
 * the final completion has besides.
 */
export async function* chatHelper(begin) {
  const chunks = new Chunks()
  const grown = new Grown()
  let completion
  const reading = heard(async (push) => {
    const stream = begin()
    stream.on('chunk', (chunk) => push([...chunks.shown(chunk)]))
    completion = await stream.finalChatCompletion()
  })
  for await (const events of reading) for (const event of events) yield* grown.piece(event)
  yield* final(completion, grown)
}

function* final(completion, grown) {
  if (said(completion.model)) yield* grown.whole({type: 'model', model: completion.model})
  for (const [place, choice] of items(completion.choices).entries()) {
    const at = number(choice?.index, place)
    for (const event of message(choice?.message, at)) {
      // The helper makes up an id for a call that came without one.
      if (event.type === 'tool' && !grown.identified(event)) delete event.id
      yield* grown.whole(event)
    }
    if (said(choice?.finish_reason)) yield* grown.whole(finish(choice, at))
  }
  if (told(completion.usage)) yield* grown.whole({type: 'usage', usage: completion.usage})
}

/** The events of a delta or a message. Reasoning is no field of OpenAI's own. */
function* message(given, choice) {
  if (said(given?.role)) yield {type: 'role', choice, role: given.role}
  const texts = {
    reasoning: said(given?.reasoning_content) || said(given?.reasoning),
    text: said(given?.content),
    refusal: said(given?.refusal),
  }
  for (const [type, text] of Object.entries(texts)) if (text) yield {type, choice, text}
  for (const [place, call] of items(given?.tool_calls).entries()) {
    const {name, arguments: piece} = call?.function ?? {}
    const index = number(call?.index, place)
    yield tool({choice, index, id: call?.id, name, arguments: said(piece)})
  }
}

function finish(choice, at) {
  return {type: 'finish', choice: at, reason: choice.finish_reason}
}

/** The body of a request for a stream; what a cassette recorded goes before what is needed. */
export function chatRequest({request}, model) {
  const messages = [{role: 'user', content: 'Hello'}]
  return {model, messages, ...request, stream: true}
}

/**
 * An adapter for a client that is made as OpenAI's is.
 *
 * @param {object} about
 * @param {string} about.package Its package.
 * @param {(modules: object) => Promise<Function>} about.open Loads its class.
 * @param {(url: string) => string} about.base Its base URL below a call's URL.
 */
export function chatClient({package: name, open, base}) {
  return {
    package: name,
    memory: true,
    dialects: ['openai.chat'],

    async open(modules) {
      const Client = await open(modules)
      const seat = new Seat()
      const keys = {apiKey: 'replayfuzz', maxRetries: 0, baseURL: 'http://127.0.0.1'}
      const client = new Client({...keys, fetch: seat.fetch})
      return async function* (call) {
        seat.call = call
        client.baseURL = base(call.url)
        const options = {timeout: milliseconds(call)}
        const stream = client.chat.completions.create(chatRequest(call, 'llama-3.1-8b'), options)
        yield* chatChunks(await stream)
      }
    },
  }
}
