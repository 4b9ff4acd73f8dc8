/** One request to an adapter. */

import {Truncated} from './failure.mjs'
import {inflated, isGzip, memoryFetch, terminated, wireFetch} from './delivery.mjs'

const NOWHERE = 'http://replayfuzz.invalid' // the base URL where there is no server

/**
 * What an adapter gets.
 *
 * @property {string} dialect Which stream comes.
 * @property {string} variant Which path through the library to take.
 * @property {string} url Base URL, ending before the provider's path.
 * @property {object} request JSON body that the caller would send.
 * @property {number} timeout Seconds; pass it to the library as its own timeout.
 * @property {boolean} memory There is no server: use `fetch`, or `pieces` and `failure`.
 * @property {Uint8Array[] | null} pieces Memory delivery: the body, one item a read, decoded
 *   as `fetch` decodes it.
 * @property {Error | null} failure Memory delivery: what reading throws after the last piece.
 * @property {number} status Memory delivery: the response's status code.
 * @property {[string, string][]} fields Memory delivery: the response's header fields.
 * @property {boolean} times Whether it is of interest when each event was shown.
 * @property {typeof Truncated} Truncated To throw when the library says that the stream stopped.
 */
export class Call {
  constructor(request) {
    this.dialect = request.dialect
    this.variant = request.variant
    this.timeout = request.timeout
    this.request = request.request ?? {}
    this.memory = request.url === undefined
    this.url = this.memory ? NOWHERE : request.url
    this.status = request.status ?? 200
    this.fields = request.fields ?? []
    this.pieces = this.memory ? piecesOf(request) : null
    this.times = request.times ?? true
    this.failure = request.ending === 'incomplete' ? terminated() : null
  }

  /** A drop-in `fetch`: the real one, or one that answers every request with `pieces`. */
  get fetch() {
    return this.memory ? memoryFetch(this) : wireFetch
  }

  /** Aborts when `timeout` is over, counted from here. */
  get signal() {
    return AbortSignal.timeout(Math.ceil(this.timeout * 1000))
  }

  get Truncated() {
    return Truncated
  }
}

/**
 * Reads a request of worker protocol v1.
 *
 * @param {object} request
 * @returns {Call | Promise<Call>} A promise where the body has to be decompressed first.
 */
export function callFromJson(request) {
  const call = new Call(request)
  return call.memory && isGzip(call.fields) ? decoded(call) : call
}

async function decoded(call) {
  const {pieces, failure} = await inflated(call.pieces)
  call.pieces = pieces
  call.failure = failure ?? call.failure
  return call
}

/** Each piece in a buffer of its own, as a body's reader gets it: not a Buffer of a shared pool. */
function piecesOf({pieces, body, cuts, whole = Buffer.from(body ?? '', 'base64')}) {
  if (pieces) return pieces.map((piece) => new Uint8Array(Buffer.from(piece, 'base64')))
  const found = []
  let start = 0
  for (const end of [...cuts, whole.length]) {
    if (end > start) found.push(new Uint8Array(whole.subarray(start, end)))
    start = end
  }
  return found
}
