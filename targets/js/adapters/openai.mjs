/** Drives the openai package: chat completions and responses, raw and accumulated (helper). */

import {Seat, milliseconds, since} from '../shown.mjs'
import {chatChunks, chatHelper, chatRequest} from '../openai_chat.mjs'
import {responseEvents, responseHelper} from '../openai_responses.mjs'

export default {
  package: 'openai',
  memory: true,
  dialects: ({version}) =>
    since(version, '4.88.0') ? ['openai.chat', 'openai.responses'] : ['openai.chat'],
  variants: ({version}) => (since(version, '4.14.0') ? ['raw', 'helper'] : ['raw']),

  async open({load}) {
    const {default: OpenAI} = await load('openai')
    const seat = new Seat()
    const keys = {apiKey: 'replayfuzz', maxRetries: 0, baseURL: 'http://127.0.0.1/v1'}
    const client = new OpenAI({...keys, fetch: seat.fetch})
    return (call) => {
      seat.call = call
      client.baseURL = `${call.url}/v1`
      return paths[call.dialect][call.variant](client, call)
    }
  },
}

const paths = {
  'openai.chat': {
    /** `chat.completions.create({stream: true})`, iterated. */
    async *raw(client, call) {
      yield* chatChunks(await client.chat.completions.create(chat(call), options(call)))
    },
    /** `chat.completions.stream()`, which moved out of `beta` in 5.12. */
    helper(client, call) {
      const owner = client.chat.completions.stream ? client.chat : client.beta.chat
      return chatHelper(() => owner.completions.stream(chat(call), options(call)))
    },
  },
  'openai.responses': {
    /** `responses.create({stream: true})`, iterated. */
    async *raw(client, call) {
      yield* responseEvents(await client.responses.create(response(call), options(call)))
    },
    /** `responses.stream()`, listened to, and its final response. */
    helper(client, call) {
      return responseHelper(() => client.responses.stream(response(call), options(call)))
    },
  },
}

function chat(call) {
  return chatRequest(call, 'gpt-4o')
}

function response({request}) {
  return {model: 'gpt-4.1', input: 'Hello', ...request, stream: true}
}

function options(call) {
  return {timeout: milliseconds(call)}
}
