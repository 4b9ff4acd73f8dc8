/** Describes what a call threw, as worker protocol v1 does. */

import {dirname} from 'node:path'
import {fileURLToPath} from 'node:url'

const CAUSES = 5 // links of a chain of causes that a message quotes
const OURS = dirname(fileURLToPath(import.meta.url))
const FRAME = /^\s*at (?:async )?(?:(.*?) \()?(?:file:\/\/)?([^()]*?):\d+:\d+\)?$/

/** Thrown by an adapter whose library *says* that the stream stopped early. */
export class Truncated extends Error {
  name = 'Truncated'
}

/**
 * The `error` of an answer.
 *
 * A wrapper that says only that something went wrong ("terminated") is followed by what it
 * wraps, since that is what a caller's log shows.
 *
 * @param {unknown} fault What was thrown: anything may be.
 * @param {{package?: string, file?: string}} adapter Whose frames count, and whose do not.
 * @returns {{type: string, message: string, frame: string}}
 */
export function failure(fault, adapter) {
  const type = kind(fault)
  return {type, message: causes(fault).join(' <- ') || type, frame: frame(fault, adapter)}
}

function kind(fault) {
  if (fault === null || typeof fault !== 'object') return typeof fault
  const {name} = fault
  if (typeof name === 'string' && name && name !== 'Error') return name
  return String(fault.constructor?.name || 'Error')
}

function causes(fault) {
  const texts = []
  let link = fault
  for (let count = 0; count < CAUSES && link != null; count++) {
    const text = message(link)
    if (text && !texts.includes(text)) texts.push(text)
    link = link.cause
  }
  return texts
}

function message(link) {
  if (typeof link !== 'object') return String(link)
  return typeof link.message === 'string' ? link.message : String(link.message ?? '')
}

/** `module:function` of the innermost frame of the package, else of any code but ours. */
function frame(fault, adapter) {
  const stack = typeof fault?.stack === 'string' ? fault.stack : ''
  const inside = adapter.package ? `/node_modules/${adapter.package}/` : null
  let outside = ''
  for (const line of stack.split('\n')) {
    const [, called = '', path] = FRAME.exec(line) ?? []
    if (path === undefined) continue
    const at = inside === null ? -1 : path.lastIndexOf(inside)
    if (at >= 0) return named(path.slice(at + '/node_modules/'.length), called)
    const strange = !path.startsWith('node:') && !path.startsWith(OURS) && path !== adapter.file
    if (!outside && strange) outside = named(path.split('/node_modules/').at(-1), called)
  }
  return outside
}

function named(path, called) {
  return `${path.replace(/\.[cm]?js$/, '')}:${called || '<module>'}`
}
