/** Drives the fetch-event-stream package: `events(response)`, as its README has it. */

import {responseOf} from '../raw.mjs'

export default {
  package: 'fetch-event-stream',
  dialects: ['sse'],
  variants: ['esm', 'cjs'],
  memory: true,

  async open({load, require}) {
    const readers = {
      esm: (await load('fetch-event-stream')).events,
      cjs: require('fetch-event-stream').events,
    }
    return async function* (call) {
      const abort = new AbortController()
      const events = readers[call.variant](await responseOf(call), abort.signal)
      for await (const {event, data, id, retry} of events) {
        // Documented as `string | number`: an id that looks like a number is handed on as one.
        yield {type: 'sse', event, data, id: id === undefined ? id : String(id), retry}
      }
    }
  },
}
