/** Drives the groq-sdk package: chat completions, iterated. */

import {chatClient} from '../openai_chat.mjs'

export default chatClient({
  package: 'groq-sdk',
  open: async ({load}) => (await load('groq-sdk')).default,
  base: (url) => url, // the path below it has /openai/v1
})
