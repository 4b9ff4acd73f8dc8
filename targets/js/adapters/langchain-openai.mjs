/** Drives the @langchain/openai package: ChatOpenAI.stream, chat completions. */

import {Seat, items, milliseconds, number, said, told, tool} from '../shown.mjs'

export default {
  package: '@langchain/openai',
  memory: true,
  dialects: ['openai.chat'],

  async open({load}) {
    const {ChatOpenAI} = await load('@langchain/openai')
    const seat = new Seat()
    return async function* (call) {
      seat.call = call
      const configuration = {baseURL: `${call.url}/v1`, fetch: seat.fetch}
      const limits = {maxRetries: 0, timeout: milliseconds(call)}
      const {model: name = 'gpt-4o', messages = 'Hello'} = call.request
      const keys = {apiKey: 'replayfuzz', model: name, configuration}
      const model = new ChatOpenAI({...keys, ...limits})
      for await (const chunk of await model.stream(messages)) yield* shown(chunk)
    }
  },
}

/** What one message chunk shows. */
function* shown(chunk) {
  const about = chunk?.response_metadata
  const choice = number(about?.completion, 0)
  const reasoning = said(chunk?.additional_kwargs?.reasoning_content)
  if (reasoning) yield {type: 'reasoning', choice, text: reasoning}
  if (said(chunk?.content)) yield {type: 'text', choice, text: chunk.content}
  for (const [place, call] of items(chunk?.tool_call_chunks).entries()) {
    const index = number(call?.index, place)
    yield tool({choice, index, id: call?.id, name: call?.name, arguments: said(call?.args)})
  }
  if (said(about?.finish_reason)) yield {type: 'finish', choice, reason: about.finish_reason}
  if (told(about?.usage)) yield {type: 'usage', usage: about.usage}
}
