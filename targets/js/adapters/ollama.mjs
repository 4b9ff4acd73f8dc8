/** Drives the ollama package: chat and generate. */

import {Seat, canonical, items, said, tool} from '../shown.mjs'

const COUNTS = [
  'total_duration',
  'load_duration',
  'prompt_eval_count',
  'prompt_eval_duration',
  'eval_count',
  'eval_duration',
]

export default {
  package: 'ollama',
  memory: true,
  dialects: ['ollama.chat', 'ollama.generate'],

  async open({load}) {
    const {Ollama} = await load('ollama')
    const seat = new Seat()
    return async function* (call) {
      seat.call = call
      // A client is bound to its host; making one only parses that.
      const client = new Ollama({host: call.url, fetch: seat.fetch})
      const parts = new Parts()
      const stream = await paths[call.dialect](client, call.request)
      for await (const part of stream) yield* parts.shown(part)
    }
  },
}

const paths = {
  'ollama.chat': (client, request) =>
    client.chat({messages: [{role: 'user', content: 'Hello'}], ...asked(request)}),
  'ollama.generate': (client, request) => client.generate({prompt: 'Hello', ...asked(request)}),
}

function asked(request) {
  return {model: 'llama3.2', ...request, stream: true}
}

/** What one stream shows, part by part. */
class Parts {
  #model = ''
  #role = ''
  #calls = 0;

  *shown(part) {
    const message = part?.message
    if (said(part?.model) && part.model !== this.#model) {
      this.#model = part.model
      yield {type: 'model', model: part.model}
    }
    if (said(message?.role) && message.role !== this.#role) {
      this.#role = message.role
      yield {type: 'role', choice: 0, role: message.role}
    }
    const reasoning = said(message?.thinking) || said(part?.thinking)
    const text = said(message?.content) || said(part?.response)
    if (reasoning) yield {type: 'reasoning', choice: 0, text: reasoning}
    if (text) yield {type: 'text', choice: 0, text}
    for (const call of items(message?.tool_calls)) {
      const {name, arguments: given} = call?.function ?? {}
      const text = typeof given === 'string' ? given : canonical(given ?? {})
      yield tool({index: this.#calls++, id: call?.id, name, arguments: text})
    }
    if (part?.done === true) yield* done(part)
  }
}

function* done(part) {
  if (said(part.done_reason)) yield {type: 'finish', choice: 0, reason: part.done_reason}
  const counts = COUNTS.filter((name) => part[name] !== undefined && part[name] !== null)
  if (counts.length > 0)
    yield {type: 'usage', usage: Object.fromEntries(counts.map((name) => [name, part[name]]))}
  yield {type: 'done'}
}
