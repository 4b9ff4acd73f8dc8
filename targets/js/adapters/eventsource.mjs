/**
 * Drives the eventsource package: `new EventSource(url)`, which asks with GET.
 *
 * A caller who wants one stream closes at the first `error`: without that it connects again. The
 * API hands an event only to who listens to its name, and a caller knows the names: this one
 * listens to every name, where the object dispatches.
 */

import {Channel} from '../channel.mjs'
import {limited, major, PATH} from '../raw.mjs'

export default {
  package: 'eventsource',
  dialects: ['sse'],
  memory: ({version}) => major(version) >= 3, // until then it opens its own sockets

  async open({load, version}) {
    const library = await load('eventsource')
    const EventSource = library.EventSource ?? library.default
    const everything = major(version) >= 3 ? everyDispatched : everyEmitted
    return (call) => listened(call, EventSource, everything)
  },
}

function listened(call, EventSource, everything) {
  const channel = new Channel()
  const source = new EventSource(call.url + PATH, {fetch: call.fetch})
  limited(call.signal, channel, () => source.close())
  let open = false
  everything(source, (event) => {
    if (event.data !== undefined) channel.push(shown(event))
    else if (event.type === 'open') open = true
    else if (event.type === 'error') {
      const fault = failureOf(event, open)
      source.close()
      if (fault === null) channel.end()
      else channel.fail(fault)
    }
  })
  return channel
}

function shown({type, data, lastEventId}) {
  return {type: 'sse', event: type, data, id: lastEventId}
}

/** Since 3.x: the object dispatches as any EventTarget, to listeners and to us. */
function everyDispatched(source, take) {
  const dispatch = source.dispatchEvent
  source.dispatchEvent = (event) => {
    take(event)
    return dispatch.call(source, event)
  }
}

/** Until 2.x: an EventEmitter, which asks for listeners and then emits. */
function everyEmitted(source, take) {
  source.listeners = () => [take]
  source.emit = (type, event) => take(event)
}

/** What an `error` event says; null: nothing, as at the end of a stream that was open. */
function failureOf({message, code, status}, open) {
  const told = message ?? (status === undefined ? '' : `status ${status}`)
  if (!told && open) return null
  const fault = new Error(told || 'the connection failed')
  return Object.assign(fault, {name: 'EventSourceError', code: code ?? status})
}
