/** The two ways of a response to a library that takes a `fetch`: a server, or memory. */

import {constants, createGunzip} from 'node:zlib'

const realFetch = globalThis.fetch
const BODILESS = new Set([101, 204, 205, 304])

/**
 * `fetch`, on a connection of its own: what a stream leaves there meets no other call.
 *
 * @type {typeof fetch}
 */
export async function wireFetch(input, init) {
  // Not a Request of our own: it would let go of the caller's signal when it is collected.
  const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : {}))
  headers.set('connection', 'close')
  return realFetch(input, {...init, headers})
}

/**
 * A `fetch` that answers every request with the pieces of *call*.
 *
 * @param {import('./call.mjs').Call} call
 * @returns {typeof fetch}
 */
export function memoryFetch(call) {
  return async (input, init) => {
    const signal = init?.signal ?? (input instanceof Request ? input.signal : null)
    signal?.throwIfAborted()
    const body = BODILESS.has(call.status) ? null : streamOf(call, signal)
    const response = new Response(body, {status: call.status, headers: call.fields})
    // A response that was made by hand has no address, and one that was fetched has.
    Object.defineProperty(response, 'url', {value: String(input.url ?? input)})
    return response
  }
}

/** A body as undici has it: bytes, read when asked for, an error at an end that came early. */
function streamOf({pieces, failure}, signal) {
  let next = 0
  return new ReadableStream({
    type: 'bytes',
    start: (controller) => {
      signal?.addEventListener('abort', () => controller.error(signal.reason), {once: true})
    },
    pull: (controller) => {
      // A stream of bytes takes what it is given away from the giver; empty reads are no reads.
      while (next < pieces.length && pieces[next].length === 0) next++
      if (next < pieces.length) return controller.enqueue(pieces[next++].slice())
      if (failure !== null) return fails(controller, failure)
      controller.close()
      controller.byobRequest?.respond(0)
    },
  }, {highWaterMark: 0})
}

/** A turn later, as the end of a connection is: an error discards what waits in a stream behind. */
async function fails(controller, failure) {
  await new Promise(setImmediate)
  controller.error(failure)
}

/** The error with which undici ends a body whose connection ended before the message did. */
export function terminated() {
  const closed = Object.assign(new Error('other side closed'), {code: 'UND_ERR_SOCKET'})
  closed.name = 'SocketError'
  return new TypeError('terminated', {cause: closed})
}

/** Whether `fetch` would decompress a body with these header fields. */
export function isGzip(fields) {
  return fields.some(([name, value]) =>
    name.toLowerCase() === 'content-encoding' && value.toLowerCase() === 'gzip')
}

/**
 * Decompresses as undici does: what a read completes is handed on at once.
 *
 * @param {Uint8Array[]} pieces Bytes of a gzip file.
 * @returns {Promise<{pieces: Uint8Array[], failure: Error | null}>} What a reader gets, and
 *   then throws.
 */
export async function inflated(pieces) {
  const {Z_SYNC_FLUSH} = constants
  const gunzip = createGunzip({flush: Z_SYNC_FLUSH, finishFlush: Z_SYNC_FLUSH})
  const plain = []
  gunzip.on('data', (data) => plain.push(new Uint8Array(data)))
  const failure = await new Promise((resolve) => {
    gunzip.on('error', resolve)
    gunzip.on('end', () => resolve(null))
    for (const piece of pieces) gunzip.write(piece)
    gunzip.end()
  })
  const error = failure === null ? null : new TypeError('terminated', {cause: failure})
  return {pieces: plain, failure: error}
}
