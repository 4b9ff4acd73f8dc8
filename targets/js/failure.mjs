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

/** *fault*, what it was made of, and so on: not for ever, since a chain may be a ring. */
function chain(fault) {
  const links = []
  for (let link = fault; link != null && links.length < CAUSES; link = link.cause) links.push(link)
  return links
}

function causes(fault) {
  return [...new Set(chain(fault).map(message))].filter(Boolean)
}

function message(link) {
  if (typeof link !== 'object') return String(link)
  return typeof link.message === 'string' ? link.message : String(link.message ?? '')
}

/**
 * `module:function` of the innermost frame of the package, else of any code but ours.
 *
 * What a wrapper holds tells more than where it was wrapped, which is one place for all.
 */
function frame(fault, adapter) {
  const frames = chain(fault).map((link) => frameOf(link, adapter))
  const inside = frames.map((each) => each.inside).filter(Boolean)
  return inside.at(-1) ?? frames[0]?.outside ?? ''
}

function frameOf(link, adapter) {
  const stack = typeof link.stack === 'string' ? link.stack : ''
  const inside = adapter.package ? `/node_modules/${adapter.package}/` : null
  let outside = ''
  for (const line of stack.split('\n')) {
    const [, called = '', path] = FRAME.exec(line) ?? []
    if (path === undefined) continue
    const at = inside === null ? -1 : path.lastIndexOf(inside)
    if (at >= 0) return {inside: named(path.slice(at + '/node_modules/'.length), called), outside}
    const strange = !path.startsWith('node:') && !path.startsWith(OURS) && path !== adapter.file
    if (!outside && strange) outside = named(path.split('/node_modules/').at(-1), called)
  }
  return {inside: '', outside}
}

function named(path, called) {
  return `${path.replace(/\.[cm]?js$/, '')}:${called || '<module>'}`
}
