/**
 * Makes a JavaScript adapter a target: worker protocol v1 on standard input and output.
 *
 *     node worker.mjs NAME        one of the adapters beside this file
 *     node worker.mjs FILE.mjs    your own
 *
 * An adapter is the default export of a module; `adapter.mjs` tells its shape.
 */

import {realpathSync} from 'node:fs'
import {fileURLToPath} from 'node:url'
import {opened} from './adapter.mjs'
import {Run} from './run.mjs'
import {claimOutput, lines, send} from './pipes.mjs'

export {Truncated} from './failure.mjs'

/**
 * Answers requests until standard input ends; then the process ends.
 *
 * @param {string} chosen Name of a shipped adapter, or path of a module.
 */
async function serve(chosen) {
  claimOutput()
  const adapter = await opened(chosen)
  const run = new Run(adapter)
  send(JSON.stringify({ready: 1, ...adapter.about, ahead: true, cuts: true, sweep: true}))
  await lines((line) => {
    const request = JSON.parse(line)
    const answer = run.answer(request)
    return answer instanceof Promise ? answer.then(send) : send(answer)
  })
  process.exit(0) // what a library still waits for (a reconnection) is nobody's any more
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  serve(process.argv[2] ?? '').catch((fault) => {
    console.error(fault)
    process.exit(1)
  })
}
