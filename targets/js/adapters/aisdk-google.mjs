/** Drives the AI SDK with @ai-sdk/google. */

import {provider, madeUp} from '../aisdk.mjs'

export default provider({
  package: '@ai-sdk/google',
  dialects: ['gemini.stream'],
  model({createGoogleGenerativeAI}, keys, {url, request}) {
    const settings = {...keys, baseURL: `${url}/v1beta`, generateId: madeUp}
    return createGoogleGenerativeAI(settings)(request.model ?? 'gemini-2.5-flash')
  },
})
