/** Drives the together-ai package: chat completions, iterated. */

import {chatClient} from '../openai_chat.mjs'

export default chatClient({
  package: 'together-ai',
  open: async ({load}) => (await load('together-ai')).default,
  base: (url) => `${url}/v1`,
})
