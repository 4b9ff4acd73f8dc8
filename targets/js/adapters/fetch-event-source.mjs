/**
 * Drives the @microsoft/fetch-event-source package: `fetchEventSource(url, {onmessage, …})`.
 *
 * It is written for browsers. What it takes from them is given here as a Node user gives it:
 * timers, and a document that is always visible.
 */

import {Channel} from '../channel.mjs'
import {asked, limited, PATH} from '../raw.mjs'

export default {
  package: '@microsoft/fetch-event-source',
  dialects: ['sse'],
  memory: true,

  async open({require}) {
    globalThis.window ??= {setTimeout, clearTimeout, fetch}
    globalThis.document ??= {hidden: false, addEventListener() {}, removeEventListener() {}}
    const {fetchEventSource} = require('@microsoft/fetch-event-source')
    return (call) => listened(call, fetchEventSource)
  },
}

function listened(call, fetchEventSource) {
  const channel = new Channel()
  const asking = asked(call)
  limited(asking.signal, channel, () => {}) // by itself it just stops when its signal aborts
  const done = fetchEventSource(call.url + PATH, {
    ...asking,
    fetch: call.fetch,
    openWhenHidden: true,
    async onopen(response) {
      if (!response.ok) throw new Error(`the server answered ${response.status}`)
    },
    onmessage({event, data, id, retry}) {
      channel.push({type: 'sse', event, data, id, retry})
    },
    onerror(fault) {
      throw fault // else it asks again
    },
  })
  done.then(() => channel.end(), (fault) => channel.fail(fault))
  return channel
}
