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
    if (request.sweep) return this.swept(request)
    const call = callFromJson(request)
    const text = call instanceof Promise ? call.then((ready) => this.made(ready)) : this.made(call)
    return typeof text === 'string' ? numbered(request.id, text) : settled(request.id, text)
  }

  /** Makes a call for each way of cutting the body, one behind the other; each answer is told once. */
  async swept({id, sweep, body, ...request}) {
    const whole = Buffer.from(body, 'base64')
    const firsts = new Map() // answer -> number of the first way that had it
    for (let number = 0; number < sweep.length; number++) {
      const call = callFromJson({...request, whole, cuts: sweep[number], times: false})
      let text = this.made(call instanceof Promise ? await call : call, false)
      if (typeof text !== 'string') text = await text
      if (!firsts.has(text)) firsts.set(text, number)
    }
    const told = [...firsts].map(([text, first]) => `{"first":${first},${text.slice(1)}`)
    return settled(id, `{"sweep":[${told}]}`)
  }

  made(call, measured = true) {
    const record = new Record(this.adapter, call.times, measured)
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
  try {
    const events = await result
    if (typeof events?.[Symbol.asyncIterator] === 'function') {
      for await (const event of events) record.take(event)
    } else {
      record.takeAll(events)
    }
    return record.ended()
  } catch (fault) {
    return record.ended(fault)
  }
}

/** *text*, a turn of the event loop later: a rejection that nobody handles is a crash of this call. */
async function settled(id, text) {
  const answer = await text
  await new Promise(setImmediate)
  return numbered(id, answer)
}

function numbered(id, text) {
  return `{"id":${id},${text.slice(1)}`
}

const NOTHING = Symbol('nothing was thrown')

/** The answer to one call while it grows. */
class Record {
  constructor(adapter, times, measured) {
    this.adapter = adapter
    this.times = times
    this.events = []
    this.cpu = measured ? process.cpuUsage() : null
    this.began = times ? performance.now() : 0
  }

  take(event) {
    if (this.times) event.t = Math.round((performance.now() - this.began) * 1000) / 1e6
    this.events.push(event)
  }

  takeAll(events) {
    for (const event of events) this.take(event)
  }

  /** The answer as JSON, without its id; *fault* is what ended the call, if anything did. */
  ended(fault = NOTHING) {
    const answer = {events: this.events, end: 'complete'}
    if (this.cpu !== null) {
      const {user, system} = process.cpuUsage(this.cpu)
      answer.cpu = (user + system) / 1e6
    }
    if (fault !== NOTHING) {
      answer.end = fault instanceof Truncated ? 'truncated' : 'error'
      answer.error = failure(fault, this.adapter)
    }
    try {
      return JSON.stringify(answer)
    } catch (lost) { // the library handed out what is no JSON
      const error = failure(lost, this.adapter)
      return JSON.stringify({events: [], end: 'error', error})
    }
  }
}
