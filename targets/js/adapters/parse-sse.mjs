/** Drives the parse-sse package: `parseServerSentEvents(response)`, as its README has it. */

import {responseOf} from '../raw.mjs'

export default {
  package: 'parse-sse',
  dialects: ['sse'],
  memory: true,

  async open({load}) {
    const {parseServerSentEvents} = await load('parse-sse')
    return async function* (call) {
      for await (const event of parseServerSentEvents(await responseOf(call))) {
        const {type, data, lastEventId, retry} = event
        yield {type: 'sse', event: type, data, id: lastEventId, retry}
      }
    }
  },
}
