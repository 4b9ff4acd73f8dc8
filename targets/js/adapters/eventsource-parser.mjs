/** Drives the eventsource-parser package, as its README has it. */

import {StringDecoder} from 'node:string_decoder'
import {major, responseOf} from '../raw.mjs'

export default {
  package: 'eventsource-parser',
  dialects: ['sse'],
  variants: ({version}) => {
    if (major(version) < 4) return ['esm', 'cjs', 'stream'] // since 4.x there are only modules
    return ['esm', 'stream', 'string-decoder']
  },
  memory: true,

  async open({load, require, version}) {
    const {createParser} = await load('eventsource-parser')
    const {EventSourceParserStream} = await load('eventsource-parser/stream')
    const old = major(version) < 2
    const esm = {make: maker(createParser, old), decoder: textDecoder}
    const ways = {esm, 'string-decoder': {...esm, decoder: stringDecoder}}
    if (major(version) < 4) {
      ways.cjs = {...esm, make: maker(require('eventsource-parser').createParser, old)}
    }
    return (call) => {
      if (call.variant === 'stream') return piped(call, EventSourceParserStream)
      const way = ways[call.variant]
      return call.memory && call.status < 400 ? fed(call, way) : fetched(call, way)
    }
  },
}

function textDecoder() {
  const decoder = new TextDecoder()
  return (piece) => decoder.decode(piece, {stream: true})
}

/** It keeps a byte order mark. Since 4.x the parser takes it away; until then a caller had to. */
function stringDecoder() {
  const decoder = new StringDecoder('utf8')
  return (piece) => decoder.write(piece)
}

/** Both forms of the constructor: a callback until 1.x, callbacks since. */
function maker(createParser, old) {
  if (old) {
    return (events) => createParser((item) => {
      events.push(item.type === 'event' ? shown(item) : {type: 'sse', retry: item.value})
    })
  }
  return (events) => createParser({onEvent: (item) => events.push(shown(item))})
}

function shown({event, data, id}) {
  return {type: 'sse', event: event ?? 'message', data, id}
}

/** Without `fetch`: the pieces that it would have read, in the loop that reads it. */
function* fed({pieces, failure}, {make, decoder}) {
  const events = []
  const parser = make(events)
  const decode = decoder()
  for (const piece of pieces) {
    parser.feed(decode(piece))
    if (events.length > 0) yield* events.splice(0)
  }
  if (failure !== null) throw failure
}

async function* fetched(call, {make, decoder}) {
  const events = []
  const parser = make(events)
  const decode = decoder()
  for await (const piece of (await responseOf(call)).body) {
    parser.feed(decode(piece))
    yield* events.splice(0)
  }
}

async function* piped(call, EventSourceParserStream) {
  const stream = (await responseOf(call)).body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream())
  for await (const item of stream) yield shown(item)
}
