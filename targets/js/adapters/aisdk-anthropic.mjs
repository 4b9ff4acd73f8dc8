/** Drives the AI SDK with @ai-sdk/anthropic. */

import {provider} from '../aisdk.mjs'

export default provider({
  package: '@ai-sdk/anthropic',
  dialects: ['anthropic.messages'],
  model: ({createAnthropic}, keys, {url, request}) =>
    createAnthropic({...keys, baseURL: `${url}/v1`})(request.model ?? 'claude-haiku-4-5'),
  blocks: true,
})
