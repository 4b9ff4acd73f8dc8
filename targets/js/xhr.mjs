/**
 * As much of XMLHttpRequest over `fetch` as a reader of streams uses.
 *
 * Node has none, and those of npm either hand out no text before the end or send no `progress`
 * event. As the standard (https://xhr.spec.whatwg.org) has it: `responseText` grows with each
 * read, decoded as UTF-8 without a byte order mark; `progress` after each read; at the end
 * `load`, or `error` with no text.
 */

/**
 * Makes the class.
 *
 * @param {() => typeof fetch} fetchNow Gives the `fetch` of a new request.
 * @returns {typeof XMLHttpRequest}
 */
export function xhrOver(fetchNow) {
  return class XMLHttpRequest extends Request {
    fetch = fetchNow()
  }
}

class Request extends EventTarget {
  static UNSENT = 0
  static OPENED = 1
  static HEADERS_RECEIVED = 2
  static LOADING = 3
  static DONE = 4

  readyState = 0
  status = 0
  responseText = ''
  withCredentials = false
  #asked = {headers: {}}
  #headers = new Headers()
  #abort = new AbortController()

  get response() {
    return this.responseText
  }

  open(method, url) {
    this.#asked = {method, url, headers: {}}
    this.#become(1)
  }

  setRequestHeader(name, value) {
    this.#asked.headers[name] = value
  }

  getAllResponseHeaders() {
    return [...this.#headers].map(([name, value]) => `${name}: ${value}\r\n`).join('')
  }

  getResponseHeader(name) {
    return this.#headers.get(name)
  }

  send(payload) {
    const {url, method, headers} = this.#asked
    const body = method === 'GET' || method === 'HEAD' ? undefined : payload
    this.#read(url, {method, headers, body, signal: this.#abort.signal})
  }

  abort() {
    if (this.readyState === 0 || this.readyState === 4) return
    this.#abort.abort()
    this.#finish('abort')
  }

  async #read(url, init) {
    try {
      const response = await this.fetch(url, init)
      this.status = response.status
      this.#headers = response.headers
      this.#become(2)
      await this.#body(response)
    } catch {
      if (this.readyState !== 4) this.#fail()
      return
    }
    if (this.readyState !== 4) this.#finish('load')
  }

  async #body({body}) {
    const decoder = new TextDecoder()
    for await (const piece of body ?? []) {
      this.responseText += decoder.decode(piece, {stream: true})
      this.#become(3)
      this.#dispatch('progress')
    }
    this.responseText += decoder.decode()
  }

  #fail() {
    this.status = 0
    this.responseText = ''
    this.#finish('error')
  }

  #finish(type) {
    this.#become(4)
    this.#dispatch(type)
    this.#dispatch('loadend')
  }

  #become(state) {
    this.readyState = state
    this.#dispatch('readystatechange')
  }

  #dispatch(type) {
    this.dispatchEvent(new Event(type))
  }
}
