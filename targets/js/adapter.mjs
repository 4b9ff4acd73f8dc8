/**
 * Finds an adapter and opens it.
 *
 * An adapter is the default export of a module:
 *
 *     {
 *       package: 'eventsource-parser',  // its package.json has the version; errors have its frames
 *       name, version,                  // instead of `package`, or where they differ from it
 *       dialects: ['sse'],              // or a function of {version}
 *       variants: ['esm', 'cjs'],       // likewise; ['default'] where it is left out
 *       memory: true,                   // it reads through call.fetch or call.pieces; likewise
 *       async open({load, require, version}) { return (call) => events },
 *       // or without anything to open:
 *       call(call) { return events },
 *     }
 *
 * `events` is an array, an iterable or an async iterable, or a promise of one of them.
 */

import {existsSync, readFileSync} from 'node:fs'
import {createRequire} from 'node:module'
import {dirname, join, resolve} from 'node:path'
import {fileURLToPath, pathToFileURL} from 'node:url'

const ADAPTERS = join(dirname(fileURLToPath(import.meta.url)), 'adapters')

/**
 * @typedef {object} Opened
 * @property {(call: import('./call.mjs').Call) => any} call Makes one call.
 * @property {object} about What the ready line says of it.
 * @property {string} package Name of the package under test, or ''.
 * @property {string} file Path of the adapter's module.
 */

/**
 * Loads an adapter and has it load its library.
 *
 * @param {string} chosen Name of a shipped adapter, or path of a module.
 * @returns {Promise<Opened>}
 */
export async function opened(chosen) {
  const file = fileOf(chosen)
  const adapter = (await import(pathToFileURL(file))).default
  if (!adapter) throw new Error(`${file}: an adapter is the default export of its module`)
  const modules = await modulesFor(file)
  const version = adapter.version ?? versionOf(adapter.package, modules)
  const call = (await adapter.open?.({...modules, version})) ?? adapter.call?.bind(adapter)
  if (!call) throw new Error(`${file}: an adapter has 'call', or 'open' that returns a function`)
  const about = {
    name: adapter.name ?? adapter.package ?? file,
    version,
    dialects: chosenFor(adapter.dialects, version),
    variants: chosenFor(adapter.variants ?? ['default'], version),
    memory: chosenFor(adapter.memory ?? false, version),
  }
  return {call, about, package: adapter.package ?? '', file}
}

function fileOf(chosen) {
  if (!chosen) throw new Error('usage: node worker.mjs NAME|FILE.mjs')
  if (chosen.endsWith('js') && existsSync(chosen)) return resolve(chosen)
  const file = join(ADAPTERS, `${chosen}.mjs`)
  if (!existsSync(file)) throw new Error(`there is no file ${chosen}, and no adapter ${file}`)
  return file
}

/** `load` and `require` of the environment that holds the library, else of the adapter's folder. */
async function modulesFor(file) {
  const folder = process.env.REPLAYFUZZ_MODULES
  if (!folder) return resolvedFrom(file)
  const door = join(folder, 'load.mjs')
  if (!existsSync(door)) return resolvedFrom(door)
  const {load, require} = await import(pathToFileURL(door))
  return {load, require}
}

/** Without a `load.mjs` there is no import from elsewhere: the file is the one of `require`. */
function resolvedFrom(file) {
  const require = createRequire(file)
  return {load: (name) => import(pathToFileURL(require.resolve(name))), require}
}

function versionOf(name, {require}) {
  if (!name) return ''
  // Not require(`${name}/package.json`): many packages do not export it.
  const found = require.resolve
    .paths(name)
    .map((folder) => join(folder, name, 'package.json'))
    .find((path) => existsSync(path))
  if (!found) throw new Error(`the package ${name} is not installed; see --with`)
  return String(JSON.parse(readFileSync(found, 'utf8')).version)
}

function chosenFor(value, version) {
  return typeof value === 'function' ? value({version}) : value
}
