/** What the openai package shows of a stream of responses, event by event. */

import {heard, number, said, told, tool} from './shown.mjs'

const TEXTS = {
  'response.output_text.delta': 'text',
  'response.refusal.delta': 'refusal',
  'response.reasoning_summary_text.delta': 'reasoning',
  'response.reasoning_text.delta': 'reasoning',
}
const PIECES = new Set([
  'response.function_call_arguments.delta',
  'response.custom_tool_call_input.delta',
  'response.mcp_call_arguments.delta',
])
const CALLS = {
  function_call: {id: 'call_id', given: 'arguments'},
  custom_tool_call: {id: 'call_id', given: 'input'},
  mcp_call: {id: 'id', given: 'arguments'},
}
const ENDS = new Set(['response.completed', 'response.incomplete'])
const UNFINISHED = new Set(['response.incomplete', 'response.failed'])

/** The events of an iterable of `ResponseStreamEvent`. */
export async function* responseEvents(stream) {
  const events = new Events()
  for await (const event of stream) yield* events.shown(event)
}

/**
 * The events of the accumulating helper. It has no final response for one that is incomplete
 * or failed, whose last event says so.
 */
export async function* responseHelper(begin) {
  const events = new Events()
  yield* heardOne(async (push) => {
    let unfinished = false
    const stream = begin()
    stream.on('event', (event) => {
      unfinished ||= UNFINISHED.has(event.type)
      push([...events.shown(event)])
    })
    await stream.done()
    if (!unfinished) await stream.finalResponse()
  })
}

async function* heardOne(listen) {
  for await (const events of heard(listen)) yield* events
}

/** What one stream shows, event by event. */
class Events {
  #model = '';

  *shown(event) {
    const kind = said(event?.type)
    const model = said(event?.response?.model)
    if (model && model !== this.#model) {
      this.#model = model
      yield {type: 'model', model}
    }
    if (kind === 'response.output_item.added') yield* item(event)
    else if (kind in TEXTS && said(event.delta))
      yield {type: TEXTS[kind], choice: 0, text: event.delta}
    else if (PIECES.has(kind) && said(event.delta))
      yield tool({index: number(event.output_index, 0), arguments: event.delta})
    else if (ENDS.has(kind)) yield* end(event.response)
    else if (kind === 'error') yield {type: 'error', message: said(event.message)}
    else if (kind === 'response.failed')
      yield {type: 'error', message: said(event.response?.error?.message)}
  }
}

function* item({item: given, output_index: index}) {
  const names = CALLS[given?.type]
  if (names) {
    const [id, piece] = [given[names.id], said(given[names.given])]
    yield tool({index: number(index, 0), id, name: given.name, arguments: piece})
  } else if (said(given?.role)) yield {type: 'role', choice: 0, role: given.role}
}

function* end(response) {
  const reason = said(response?.incomplete_details?.reason) || said(response?.status)
  if (reason) yield {type: 'finish', choice: 0, reason}
  if (told(response?.usage)) yield {type: 'usage', usage: response.usage}
}
