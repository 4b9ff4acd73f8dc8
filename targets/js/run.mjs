/** Makes calls, and turns what happens into answers. */

import {callFromJson} from './call.mjs'
import {failure, Truncated} from './failure.mjs'

/** Makes calls with one adapter. */
export class Run {
  /** @param {import('./adapter.mjs').Opened} adapter */
  constructor(adapter) {
    this.adapter = adapter
  }

  /**
   * Makes one call; whatever it throws ends it, and the events until then are kept.
   *
   * @param {object} request Of worker protocol v1.
   * @returns {string | Promise<string>} The answer. A string where the adapter is done at once:
   *   a promise would cost as much as the whole call.
   */
  answer(request) {
    const call = callFromJson(request)
    if (call instanceof Promise) return call.then((ready) => this.made(ready, request.id))
    return this.made(call, request.id)
  }

  made(call, id) {
    const record = new Record(id, this.adapter, call.times)
    try {
      const result = this.adapter.call(call)
      if (typeof result?.then !== 'function' && typeof result?.[Symbol.iterator] === 'function') {
        record.takeAll(result)
        return record.ended()
      }
      return later(result, record)
    } catch (fault) {
      return record.ended(fault)
    }
  }
}

async function later(result, record) {
  let answer
  try {
    const events = await result
    if (typeof events?.[Symbol.asyncIterator] === 'function') {
      for await (const event of events) record.take(event)
    } else {
      record.takeAll(events)
    }
    answer = record.ended()
  } catch (fault) {
    answer = record.ended(fault)
  }
  // A turn of the event loop: a rejection that nobody handles is a crash of this call.
  await new Promise(setImmediate)
  return answer
}

const NOTHING = Symbol('nothing was thrown')

/** The answer to one request while it grows. */
class Record {
  constructor(id, adapter, times) {
    this.id = id
    this.adapter = adapter
    this.times = times
    this.events = []
    this.cpu = process.cpuUsage()
    this.began = times ? performance.now() : 0
  }

  take(event) {
    if (this.times) event.t = Math.round((performance.now() - this.began) * 1000) / 1e6
    this.events.push(event)
  }

  takeAll(events) {
    for (const event of events) this.take(event)
  }

  /** The answer as JSON; *fault* is what ended the call, if anything did. */
  ended(fault = NOTHING) {
    const {user, system} = process.cpuUsage(this.cpu)
    const answer = {id: this.id, events: this.events, end: 'complete', cpu: (user + system) / 1e6}
    if (fault !== NOTHING) {
      answer.end = fault instanceof Truncated ? 'truncated' : 'error'
      answer.error = failure(fault, this.adapter)
    }
    try {
      return JSON.stringify(answer)
    } catch (lost) { // the library handed out what is no JSON
      const error = failure(lost, this.adapter)
      return JSON.stringify({id: this.id, events: [], end: 'error', error})
    }
  }
}
