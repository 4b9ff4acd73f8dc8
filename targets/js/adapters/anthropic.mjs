/** Drives the @anthropic-ai/sdk package: messages, raw and accumulated (helper). */

import {Grown, Seat, canonical, heard, milliseconds, tool} from '../shown.mjs'
import {items, number, said, told} from '../shown.mjs'

export default {
  package: '@anthropic-ai/sdk',
  memory: true,
  dialects: ['anthropic.messages'],
  variants: ['raw', 'helper'],

  async open({load}) {
    const {default: Anthropic} = await load('@anthropic-ai/sdk')
    const seat = new Seat()
    const keys = {apiKey: 'replayfuzz', maxRetries: 0, baseURL: 'http://127.0.0.1'}
    const client = new Anthropic({...keys, fetch: seat.fetch})
    return (call) => {
      seat.call = call
      client.baseURL = call.url
      return paths[call.variant](client.messages, call)
    }
  },
}

const paths = {
  /** `messages.create({stream: true})`, iterated. */
  async *raw(messages, call) {
    for await (const event of await messages.create(request(call), options(call)))
      for (const [shown] of eventsOf(event)) yield shown
  },

  /** `messages.stream()`: what its listeners hear, and whether there is a final message. */
  async *helper(messages, call) {
    const story = new Accumulated()
    const reading = heard(async (push) => {
      const stream = messages.stream(request(call), options(call))
      stream.on('streamEvent', (event, snapshot) => push([...story.after(event, snapshot)]))
      await stream.finalMessage()
    })
    try {
      for await (const events of reading) yield* events
    } catch (error) {
      yield* story.unfinished()
      throw error
    }
  },
}

/** The events of one raw stream event, each with the index of its content block. */
function* eventsOf(event) {
  const index = number(event?.index, 0)
  switch (event?.type) {
    case 'message_start':
      yield* start(event.message)
      break
    case 'content_block_start':
      yield* block(event.content_block, index)
      break
    case 'content_block_delta':
      yield* delta(event.delta, index)
      break
    case 'message_delta':
      yield* end(event.delta, event.usage)
      break
    case 'message_stop':
      yield [{type: 'done'}]
  }
}

function* start(message) {
  if (said(message?.model)) yield [{type: 'model', model: message.model}]
  if (said(message?.role)) yield [{type: 'role', choice: 0, role: message.role}]
  if (told(message?.usage)) yield [{type: 'usage', usage: message.usage}]
}

function* end(owner, usage) {
  if (said(owner?.stop_reason)) yield [{type: 'finish', choice: 0, reason: owner.stop_reason}]
  if (told(usage)) yield [{type: 'usage', usage}]
}

/** The start of a content block, which may already hold something. */
function* block(given, index) {
  const kind = said(given?.type)
  const [text, thinking] = [said(given?.text), said(given?.thinking)]
  if (kind === 'text' && text) yield [{type: 'text', choice: 0, text}, index]
  else if (kind === 'thinking' && thinking)
    yield [{type: 'reasoning', choice: 0, text: thinking}, index]
  else if (kind.endsWith('tool_use')) yield [call(given, index), index]
}

function* delta(given, index) {
  const kind = said(given?.type)
  const [text, thinking, piece] = [given?.text, given?.thinking, given?.partial_json].map(said)
  if (kind === 'text_delta' && text) yield [{type: 'text', choice: 0, text}, index]
  else if (kind === 'thinking_delta' && thinking)
    yield [{type: 'reasoning', choice: 0, text: thinking}, index]
  else if (kind === 'input_json_delta' && piece) yield [tool({index, arguments: piece}), index]
}

/** A tool call; the empty input of a block that starts stands for none so far. */
function call({id, name, input}, index) {
  return tool({index, id, name, arguments: told(input) ? canonical(input) : ''})
}

/**
 * What `MessageStream` shows of the message that it puts together.
 *
 * A tool's input is an object that is guessed from its pieces while they come; it counts when
 * its block is finished.
 */
class Accumulated {
  #grown = new Grown()
  #pieces = new Map(); // index of a content block -> pieces of its input

  /** What one event added to the message. */
  *after(event, snapshot) {
    const index = number(event?.index, 0)
    const kept = items(snapshot?.content)[index]
    if (event?.type === 'content_block_start' && said(kept?.type).endsWith('tool_use')) {
      this.#pieces.set(index, [])
      yield* this.#grown.piece(tool({index, id: kept.id, name: kept.name}), index)
    } else if (event?.type === 'content_block_delta' && this.#pieces.has(index)) {
      this.#pieces.get(index).push(said(event.delta?.partial_json))
    } else if (event?.type === 'content_block_stop' && this.#pieces.delete(index)) {
      yield* this.#grown.whole(call(kept, index), index)
    } else {
      if (event?.type === 'message_stop') yield* this.#final(snapshot)
      for (const [shown, place] of eventsOf(event)) yield* this.#grown.piece(shown, place)
    }
  }

  /** The pieces of inputs whose blocks were not finished. */
  *unfinished() {
    for (const [index, pieces] of this.#pieces) yield tool({index, arguments: pieces.join('')})
  }

  /** What the whole message has that was not shown. */
  *#final(message) {
    yield* this.unfinished()
    for (const [shown] of [...start(message), ...end(message)]) yield* this.#grown.whole(shown)
    for (const [index, kept] of items(message?.content).entries())
      for (const [shown, place] of block(kept, index)) yield* this.#grown.whole(shown, place)
  }
}

function request({request: given}) {
  const messages = [{role: 'user', content: 'Hello'}]
  return {model: 'claude-haiku-4-5', max_tokens: 1024, messages, ...given, stream: true}
}

function options(call) {
  return {timeout: milliseconds(call)}
}
