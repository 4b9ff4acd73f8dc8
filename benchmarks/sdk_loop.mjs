/**
 * The loop that P4 compares with, for an SDK in JavaScript: the stream, cut at random, read through the
 * adapter's own `fetch` with nothing around it.
 *
 *     node sdk_loop.mjs WORKER.mjs NAME
 *
 * The first line of standard input is [body, hot, cuts, dialect, variant, fields, request]; each line
 * behind it a number of calls, answered with "done".
 */

import {dirname, join} from 'node:path'
import {createInterface} from 'node:readline'
import {pathToFileURL} from 'node:url'

const [worker, name] = process.argv.slice(2)
const beside = (file) => import(pathToFileURL(join(dirname(worker), file)))
const {opened} = await beside('adapter.mjs')
const {Call} = await beside('call.mjs')
const adapter = await opened(name)
const input = createInterface({input: process.stdin})[Symbol.asyncIterator]()
const [text, hot, cuts, dialect, variant, fields, request] = JSON.parse((await input.next()).value)
const body = Buffer.from(text)
const asked = {dialect, variant, timeout: 5, request, pieces: [], status: 200, fields, times: false}
console.log('ready')
for (let line; !(line = await input.next()).done; ) {
  for (let left = Number(line.value); left > 0; left--) await called()
  console.log('done')
}

async function called() {
  const call = new Call(asked)
  call.pieces = cut()
  const events = await adapter.call(call)
  const seen = []
  for await (const event of events) seen.push(event)
  if (seen.length === 0) throw new Error('the SDK showed nothing')
}

function cut() {
  const count = below(cuts + 1)
  const edges = Array.from({length: count}, () =>
    Math.random() < 0.5 ? hot[below(hot.length)] : below(body.length))
  const spots = [...new Set([0, ...edges, body.length])].sort((one, other) => one - other)
  // Each piece in a buffer of its own, as a body's reader gets it.
  return spots.slice(1).map((end, number) => new Uint8Array(body.subarray(spots[number], end)))
}

function below(limit) {
  return Math.floor(Math.random() * limit)
}
