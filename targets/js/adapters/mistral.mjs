/** Drives the @mistralai/mistralai package: chat.stream. */

import {Seat, canonical, items, milliseconds, number, said, told, tool} from '../shown.mjs'

export default {
  package: '@mistralai/mistralai',
  memory: true,
  dialects: ['mistral.chat'],

  async open({load}) {
    const {Mistral, HTTPClient} = await load('@mistralai/mistralai')
    const seat = new Seat()
    const httpClient = new HTTPClient({fetcher: seat.fetch})
    return async function* (call) {
      seat.call = call
      // A client is bound to its server.
      const keys = {apiKey: 'replayfuzz', serverURL: call.url, retryConfig: {strategy: 'none'}}
      const mistral = new Mistral({...keys, httpClient, timeoutMs: milliseconds(call)})
      const chunks = new Chunks()
      const stream = await mistral.chat.stream(request(call))
      for await (const event of stream) yield* chunks.shown(event.data)
    }
  },
}

/** What one stream shows, chunk by chunk. */
class Chunks {
  #model = '';

  *shown(chunk) {
    if (said(chunk?.model) && chunk.model !== this.#model) {
      this.#model = chunk.model
      yield {type: 'model', model: chunk.model}
    }
    for (const [place, choice] of items(chunk?.choices).entries()) {
      const at = number(choice?.index, place)
      yield* delta(choice?.delta, at)
      const reason = said(choice?.finishReason)
      if (reason) yield {type: 'finish', choice: at, reason}
    }
    if (told(chunk?.usage)) yield {type: 'usage', usage: chunk.usage}
  }
}

function* delta(given, choice) {
  if (said(given?.role)) yield {type: 'role', choice, role: given.role}
  if (said(given?.content)) yield {type: 'text', choice, text: given.content}
  for (const part of items(given?.content)) yield* content(part, choice)
  for (const [place, call] of items(given?.toolCalls).entries()) {
    const {name, arguments: piece} = call?.function ?? {}
    // "null" is the documented default of an id that was not sent.
    const id = call?.id === 'null' ? undefined : call?.id
    const text = typeof piece === 'string' ? piece : canonical(piece ?? {})
    yield tool({choice, index: number(call?.index, place), id, name, arguments: text})
  }
}

function* content(part, choice) {
  if (part?.type === 'text' && said(part.text)) yield {type: 'text', choice, text: part.text}
  if (part?.type !== 'thinking') return
  for (const {text} of items(part.thinking))
    if (said(text)) yield {type: 'reasoning', choice, text}
}

function request({request: given}) {
  const messages = [{role: 'user', content: 'Hello'}]
  return {model: 'mistral-small-latest', messages, ...given}
}
