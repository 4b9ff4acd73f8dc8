/** The protocol's two pipes: lines in, lines out, and nothing of a library's between them. */

import {writeSync} from 'node:fs'
import {Socket} from 'node:net'

const READ = 1 << 16 // bytes: what a pipe holds
const PAUSE = new Int32Array(new SharedArrayBuffer(4))
const NEWLINE = 10

/** Sends what libraries print (`console.log`, `process.stdout`) to standard error. */
export function claimOutput() {
  Object.defineProperty(process, 'stdout', {get: () => process.stderr, configurable: true})
}

/**
 * Writes one line.
 *
 * @param {string} line JSON without line ends; `JSON.stringify` escapes lone surrogates.
 */
export function send(line) {
  const data = Buffer.from(line + '\n')
  for (let at = 0; at < data.length; ) {
    try {
      at += writeSync(1, data, at)
    } catch (fault) {
      if (fault.code !== 'EAGAIN') throw fault
      Atomics.wait(PAUSE, 0, 0, 1) // someone made the pipe non-blocking, and it is full
    }
  }
}

/**
 * Hands each line of standard input to *take*, one after the other.
 *
 * @param {(line: string) => void | Promise<void>} take Its promise is waited for.
 * @returns {Promise<void>} Fulfilled when the input has ended and every line was taken.
 */
export function lines(take) {
  return new Promise((resolve, reject) => {
    const queue = new Queue(take, resolve, reject)
    const splitter = new Splitter((line) => queue.waiting.push(line))
    const taken = (chunk) => {
      splitter.feed(chunk)
      queue.run()
      return true
    }
    const input = pipe(taken)
    input.on('end', () => queue.finish())
    input.on('error', reject)
  })
}

/** One buffer serves for all reads where the input is a pipe; a file has a stream of its own. */
function pipe(taken) {
  const onread = {
    buffer: Buffer.allocUnsafeSlow(READ),
    callback: (count, buffer) => taken(buffer.subarray(0, count)),
  }
  try {
    const socket = new Socket({fd: 0, readable: true, writable: false, onread})
    return socket.resume()
  } catch {
    return process.stdin.on('data', taken)
  }
}

/** Cuts bytes into lines; a line may come in many reads. */
class Splitter {
  constructor(found) {
    this.found = found
    this.parts = [] // of a line that has not ended
  }

  feed(chunk) {
    let start = 0
    for (let at; (at = chunk.indexOf(NEWLINE, start)) >= 0; start = at + 1) {
      this.found(this.line(chunk, start, at))
    }
    // A copy: the next read overwrites the buffer.
    if (start < chunk.length) this.parts.push(Buffer.from(chunk.subarray(start)))
  }

  line(chunk, start, end) {
    if (this.parts.length === 0) return chunk.utf8Slice(start, end)
    const whole = Buffer.concat([...this.parts, chunk.subarray(start, end)])
    this.parts = []
    return whole.utf8Slice(0, whole.length)
  }
}

/** Takes lines in order; while one is waited for, the others wait. */
class Queue {
  constructor(take, resolve, reject) {
    this.take = take
    this.resolve = resolve
    this.reject = reject
    this.waiting = []
    this.busy = false
    this.ended = false
  }

  run() {
    while (!this.busy && this.waiting.length > 0) {
      const taken = this.take(this.waiting.shift())
      if (taken instanceof Promise) this.hold(taken)
    }
    if (this.ended && !this.busy) this.resolve()
  }

  hold(taken) {
    this.busy = true
    taken.then(() => {
      this.busy = false
      this.run()
    }).catch(this.reject)
  }

  finish() {
    this.ended = true
    this.run()
  }
}
