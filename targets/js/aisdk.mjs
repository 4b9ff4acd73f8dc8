/** Drives the AI SDK: `streamText` with a provider's model, read through `fullStream`. */

import {Seat, canonical, milliseconds, said, tool} from './shown.mjs'

const MADE_UP = 'made-up-'
let made = 0

/** A `generateId` for providers that name calls themselves: ids that differ from sent ones. */
export function madeUp() {
  return `${MADE_UP}${made++}`
}

/**
 * An adapter for one provider package of the AI SDK.
 *
 * @param {object} about
 * @param {string} about.package The provider package.
 * @param {string[]} about.dialects What its models read.
 * @param {(library: object, keys: object, call: object) => object} about.model Makes the model
 *   that a call is made with; `keys` has apiKey and fetch.
 * @param {boolean} [about.blocks] A tool call's index counts the content blocks before it, of
 *   whatever kind, and not only the calls.
 */
export function provider({package: name, dialects, model, blocks = false}) {
  return {
    package: name,
    memory: true,
    dialects,

    async open({load}) {
      const [{streamText, jsonSchema}, library] = await Promise.all([load('ai'), load(name)])
      const seat = new Seat()
      const keys = {apiKey: 'replayfuzz', fetch: seat.fetch}
      return async function* (call) {
        seat.call = call
        const chosen = model(library, keys, call)
        const options = chosen.specificationVersion === 'v1' ? inVersion4(jsonSchema) : {}
        const result = streamText({...options, ...given(call), model: chosen})
        const parts = new Parts(blocks)
        for await (const part of result.fullStream) {
          yield* parts.shown(part)
          if (parts.failed) break // the SDK would read on; a caller gives up at an error
        }
      }
    },
  }
}

function given(call) {
  const messages = call.request.messages ?? [{role: 'user', content: 'Hello'}]
  // Errors are parts of the stream as well; without a listener they are printed too.
  return {messages, maxRetries: 0, timeout: milliseconds(call), onError: () => {}}
}

/**
 * What version 4 needs besides: it hands on no call of a tool that was not declared, so this is
 * a caller that has declared every tool; and it streams arguments only when asked.
 */
function inVersion4(jsonSchema) {
  const any = {parameters: jsonSchema({})}
  const tools = new Proxy({}, {get: (_, name) => (typeof name === 'string' ? any : undefined)})
  return {tools, toolCallStreaming: true}
}

const TEXTS = {
  'text-delta': 'text',
  reasoning: 'reasoning',
  'reasoning-delta': 'reasoning',
}
const CALL_STARTS = new Set(['tool-call-streaming-start', 'tool-input-start'])
const CALL_PIECES = new Set(['tool-call-delta', 'tool-input-delta'])
const BLOCK_STARTS = new Set(['text-start', 'reasoning-start'])

/** What one stream shows, part by part; versions 4 to 7 name their parts differently. */
class Parts {
  failed = false // an error came as a part
  #blocks
  #block = null // version 4 does not say where a block of text begins
  #count = 0
  #places = new Map() // id of a tool call -> its index
  #pieces = new Map() // id of a tool call -> pieces of its arguments

  constructor(blocks) {
    this.#blocks = blocks
  }

  *shown(part) {
    const kind = part.type
    if (kind in TEXTS) yield* this.#text(part)
    else if (BLOCK_STARTS.has(kind)) this.#begin(kind.slice(0, -'-start'.length))
    else if (CALL_STARTS.has(kind)) yield* this.#known(part)
    else if (CALL_PIECES.has(kind)) yield* this.#piece(part)
    else if (kind === 'tool-call') yield* this.#whole(part)
    else if (kind === 'error') yield* this.#error(part.error)
    else if (kind === 'abort') throw new DOMException(said(part.reason), 'TimeoutError')
  }

  *#text(part) {
    const type = TEXTS[part.type]
    if (this.#block !== type) this.#begin(type)
    const text = said(part.text) || said(part.textDelta) || said(part.delta)
    if (text) yield {type, choice: 0, text}
  }

  #begin(block) {
    this.#block = block
    if (this.#blocks) this.#count++
  }

  /** Names a tool call when it is first heard of. */
  *#known(part) {
    const id = part.toolCallId ?? part.id
    if (this.#places.has(id)) return
    this.#block = null
    this.#places.set(id, this.#count++)
    this.#pieces.set(id, [])
    const sent = id.startsWith(MADE_UP) ? undefined : id
    yield tool({index: this.#places.get(id), id: sent, name: part.toolName})
  }

  *#piece(part) {
    yield* this.#known(part)
    const id = part.toolCallId ?? part.id
    const text = said(part.argsTextDelta) || said(part.delta)
    this.#pieces.get(id).push(text)
    if (text) yield tool({index: this.#places.get(id), arguments: text})
  }

  /** The call with its arguments as a value: shown where it is not what the pieces were. */
  *#whole(part) {
    yield* this.#known(part)
    const input = part.input ?? part.args
    const pieces = this.#pieces.get(part.toolCallId).join('')
    const text = typeof input === 'string' && part.invalid ? input : canonical(input ?? {})
    if (text === pieces || text === respelt(pieces)) return
    yield tool({index: this.#places.get(part.toolCallId), arguments: text})
  }

  *#error(error) {
    if (error instanceof Error) throw error
    this.failed = true
    yield {type: 'error', message: said(error?.message) || said(error) || JSON.stringify(error)}
  }
}

/** Arguments as the SDK would hand them on; no pieces stand for no arguments. */
function respelt(pieces) {
  try {
    return canonical(JSON.parse(pieces.trim() || '{}'))
  } catch {
    return undefined
  }
}
