/**
 * What adapters share: reading what libraries hand on, of whatever type, and telling what an
 * accumulator gained.
 */

/** `value` if it is text, else "": libraries hand on what a provider sent. */
export function said(value) {
  return typeof value === 'string' ? value : ''
}

/** An index that was sent, or `otherwise`. */
export function number(value, otherwise) {
  return Number.isInteger(value) ? value : otherwise
}

/** `value` if it is an array, else an empty one. */
export function items(value) {
  return Array.isArray(value) ? value : []
}

/** Whether `value` is an object that tells something. */
export function told(value) {
  return value !== null && typeof value === 'object' && Object.keys(value).length > 0
}

/** A JSON value in its one spelling, members sorted by name: how arguments as objects are told. */
export function canonical(value) {
  return JSON.stringify(value, (_, inner) => {
    if (inner === null || typeof inner !== 'object' || Array.isArray(inner)) return inner
    return Object.fromEntries(Object.keys(inner).sort().map((name) => [name, inner[name]]))
  })
}

/** The event of a tool call, without an id or name that nobody gave. */
export function tool({choice = 0, index = 0, id, name, arguments: given = ''}) {
  const event = {type: 'tool', choice, index, arguments: given}
  if (said(id)) event.id = id
  if (said(name)) event.name = name
  return event
}

/** Whether release `version` is `first` or a later one. */
export function since(version, first) {
  const [ours, theirs] = [version, first].map((text) => text.split(/[.-]/).map(Number))
  const at = theirs.findIndex((part, place) => part !== ours[place])
  return at < 0 || ours[at] > theirs[at]
}

/** A time limit as libraries take it: whole milliseconds. */
export function milliseconds(call) {
  return Math.max(1, Math.ceil(call.timeout * 1000))
}

/** Holds the call that is being made, for a client that outlives it. */
export class Seat {
  call = null
  fetch = (...request) => this.call.fetch(...request)
}

/**
 * What a library tells listeners, as it comes.
 *
 * `listen(push)` adds the listeners, which push what they hear, and returns a promise that settles
 * when the library is done; its error is thrown behind all that was heard.
 */
export async function* heard(listen) {
  let queue = []
  let wake = () => {}
  let end = null
  listen((event) => {
    queue.push(event)
    wake()
  }).then(
    () => (end = {}),
    (error) => (end = {error}),
  ).finally(() => wake())
  for (;;) {
    const ready = queue
    queue = []
    yield* ready
    if (queue.length > 0) continue
    if (end !== null) break
    await new Promise((resolve) => (wake = resolve))
  }
  if ('error' in end) throw end.error
}

/**
 * Remembers what was shown piece by piece, and tells what an accumulated message has besides.
 *
 * Text that does not continue what was shown is shown whole, so that it is noticed.
 */
export class Grown {
  #pieces = new Map() // place -> pieces of text
  #values = new Map(); // place -> value that is not put together

  /** Shows `event`, a piece; `place` tells texts of one kind and choice apart. */
  *piece(event, place = 0) {
    const text = event.text ?? event.arguments
    if (text === undefined) this.#values.set(this.#key(event), canonical(event))
    else this.#shown(event, place).push(text)
    for (const name of ['id', 'name'])
      if (event[name]) this.#values.set(this.#key(event, name), event[name])
    yield event
  }

  /** Shows what `event`, accumulated, has that the pieces did not. */
  *whole(event, place = 0) {
    const member = event.type === 'tool' ? 'arguments' : 'text'
    const text = event[member]
    if (text === undefined) {
      if (this.#values.get(this.#key(event)) !== canonical(event)) yield* this.piece(event)
      return
    }
    const renamed = ['id', 'name'].some(
      (name) => event[name] && this.#values.get(this.#key(event, name)) !== event[name],
    )
    const before = this.#shown(event, place).join('')
    const gained = text.startsWith(before) ? text.slice(before.length) : text
    if (gained || renamed) yield* this.piece({...event, [member]: gained}, place)
  }

  /** Whether an id came with a piece of the call that `event` is of. */
  identified(event) {
    return this.#values.has(this.#key(event, 'id'))
  }

  #key(event, ...place) {
    return [event.type, event.choice ?? 0, event.index ?? 0, ...place].join(' ')
  }

  #shown(event, place) {
    const key = this.#key(event, place)
    if (!this.#pieces.has(key)) this.#pieces.set(key, [])
    return this.#pieces.get(key)
  }
}
