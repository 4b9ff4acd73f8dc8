/** What adapters of raw readers share: the request that a caller makes before it reads. */

/** Behind the base URL; any path serves a raw dialect. */
export const PATH = '/events'

/** The options of `fetch` for a call. */
export function asked({request, signal}) {
  return {
    method: 'POST',
    headers: {'content-type': 'application/json', accept: 'text/event-stream'},
    body: JSON.stringify(request),
    signal,
  }
}

/**
 * Ends a call whose library takes no signal, as a caller does who has a time limit.
 *
 * @param {AbortSignal | undefined} signal Of the call.
 * @param {import('./channel.mjs').Channel} channel
 * @param {() => void} close Closes what the library holds.
 */
export function limited(signal, channel, close) {
  signal?.addEventListener('abort', () => {
    channel.fail(signal.reason)
    close()
  })
}

/**
 * The response to a call; a caller does not read one that is an error.
 *
 * @param {import('./call.mjs').Call} call
 * @returns {Promise<Response>}
 */
export async function responseOf(call) {
  const response = await call.fetch(call.url + PATH, asked(call))
  if (!response.ok) throw new Error(`the server answered ${response.status}`)
  return response
}

/** The first number of a version. */
export function major(version) {
  return Number.parseInt(version, 10)
}
