// An adapter for tests/test_js_worker.py: a reader of lines that also does what readers should not.

const ODD = {
  noisy(lines) {
    console.log('a chatty library')
    process.stdout.write('and a rude one\n')
    return lines
  },
  surrogate: () => [{type: 'text', text: '\ud83d'}, {type: 'text', text: 'é\u2028'}],
  promise: async (lines) => lines,
  said(lines, {Truncated}) {
    throw new Truncated('half of it')
  },
  fails() {
    throw new RangeError('no such line', {cause: new Error('the file is short')})
  },
  throws() {
    throw 'a string'
  },
  bigint: () => [{type: 'record', value: 1n}],
  nothing: () => undefined,
  leaves: () => process.exit(3),
  async rejects(lines) {
    Promise.reject(new Error('nobody handles this'))
    return lines
  },
  later(lines) {
    setTimeout(() => { throw new Error('nobody catches this') })
    return new Promise(() => {})
  },
  busy() {
    while (true);
  },
}

async function* read(call) {
  const init = {method: 'POST', body: JSON.stringify(call.request)}
  const response = await call.fetch(`${call.url}/lines`, init)
  const decoder = new TextDecoder()
  yield {type: 'model', model: `${response.status} ${response.headers.get('x-kind')}`}
  for await (const piece of response.body) {
    yield {type: 'text', text: decoder.decode(piece, {stream: true})}
  }
}

function* fed({pieces, failure}) {
  for (const piece of pieces) yield {type: 'text', text: new TextDecoder().decode(piece)}
  if (failure) throw failure
}

export default {
  name: 'lines',
  version: '1.2',
  dialects: ['sse'],
  variants: ['read', 'fed', ...Object.keys(ODD)],
  memory: true,
  call(call) {
    if (call.variant === 'read') return read(call)
    if (call.variant === 'fed') return fed(call)
    return ODD[call.variant]([{type: 'text', text: 'Hel'}], call)
  },
}
