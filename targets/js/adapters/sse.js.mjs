/**
 * Drives the sse.js package: `new SSE(url, {headers, payload})`.
 *
 * It is written for browsers: `../xhr.mjs` stands for their XMLHttpRequest. Like EventSource it
 * hands an event only to who listens to its name; this caller listens to every name, where the
 * object dispatches.
 */

import {Channel} from '../channel.mjs'
import {asked, limited, PATH} from '../raw.mjs'
import {xhrOver} from '../xhr.mjs'

let current // the call whose request is made next

export default {
  package: 'sse.js',
  dialects: ['sse'],
  memory: true,

  async open({load}) {
    globalThis.XMLHttpRequest = xhrOver(() => current.fetch)
    const {SSE} = await load('sse.js')
    return (call) => listened(call, SSE)
  },
}

function listened(call, SSE) {
  current = call
  const channel = new Channel()
  const {headers, body} = asked(call)
  const source = new SSE(call.url + PATH, {headers, payload: body, start: false})
  const dispatch = source.dispatchEvent
  source.dispatchEvent = (event) => {
    if (event) seen(event, source, channel)
    return dispatch.call(source, event)
  }
  source.stream()
  limited(call.signal, channel, () => source.close())
  return channel
}

/** Events of the stream have an `id`, be it null; those of the connection have none. */
function seen(event, source, channel) {
  if ('id' in event) {
    channel.push({type: 'sse', event: event.type, data: event.data, id: event.lastEventId})
  } else if (event.type === 'error') {
    const status = event.responseCode
    channel.fail(new Error(status ? `the server answered ${status}` : 'the connection failed'))
  } else if (event.type === 'readystatechange' && event.readyState === 2) {
    channel.end()
  }
}
