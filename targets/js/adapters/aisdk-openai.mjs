/** Drives the AI SDK with @ai-sdk/openai, chat completions. */

import {provider} from '../aisdk.mjs'

export default provider({
  package: '@ai-sdk/openai',
  dialects: ['openai.chat'],
  model: ({createOpenAI}, keys, {url, request}) =>
    createOpenAI({...keys, baseURL: `${url}/v1`}).chat(request.model ?? 'gpt-4o'),
})
