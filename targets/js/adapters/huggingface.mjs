/** Drives the @huggingface/inference package: chatCompletionStream. */

import {chatChunks, chatRequest} from '../openai_chat.mjs'

export default {
  package: '@huggingface/inference',
  memory: true,
  dialects: ['openai.chat'],

  async open({load}) {
    const {InferenceClient} = await load('@huggingface/inference')
    const client = new InferenceClient('hf_replayfuzz')
    return async function* (call) {
      const request = chatRequest(call, 'meta-llama/Llama-3.1-8B')
      // The time limit of this package is the caller's signal.
      const options = {fetch: call.fetch, retry_on_error: false, signal: call.signal}
      yield* chatChunks(client.chatCompletionStream({...request, endpointUrl: call.url}, options))
    }
  },
}
