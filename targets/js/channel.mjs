/** From a library that calls back to an adapter that yields. */

/**
 * Events in the order in which they were pushed, for one `for await`.
 *
 * @implements {AsyncIterable<object>}
 */
export class Channel {
  #waiting = []
  #ended = false
  #fault = null
  #wake = null

  /** @param {object} event What the library handed to its caller. */
  push(event) {
    if (this.#ended) return
    this.#waiting.push(event)
    this.#wake?.()
  }

  /** Nothing comes any more; what was pushed before is still yielded. */
  end() {
    this.#ended = true
    this.#wake?.()
  }

  /** As `end`, and then the loop throws *fault*. */
  fail(fault) {
    if (!this.#ended) this.#fault = {fault}
    this.end()
  }

  async *[Symbol.asyncIterator]() {
    while (true) {
      yield* this.#waiting.splice(0)
      if (this.#waiting.length > 0) continue
      if (this.#ended) break
      await new Promise((resolve) => { this.#wake = resolve })
    }
    if (this.#fault !== null) throw this.#fault.fault
  }
}
