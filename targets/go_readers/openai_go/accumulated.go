package main

import (
	"context"
	"errors"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/param"

	"replayfuzz/worker"
)

// accumulate shows what ChatCompletionAccumulator has gained with each chunk. Its completion
// has no place for members that OpenAI's API does not have, such as reasoning,
// and does not tell a count of 0 from none.
func accumulate(client openai.Client, call *worker.Call, show func(worker.Event)) error {
	request := param.Override[openai.ChatCompletionNewParams](call.Request)
	chunks := client.Chat.Completions.NewStreaming(context.Background(), request)
	defer chunks.Close()
	whole, grown := openai.ChatCompletionAccumulator{}, worker.NewGrown(show)
	for chunks.Next() {
		if !whole.AddChunk(chunks.Current()) {
			return errors.New("AddChunk refused a chunk")
		}
		for _, choice := range whole.Choices {
			gained(choice, grown)
		}
		if whole.Model != "" {
			grown.Value(worker.Event{Type: "model", Model: whole.Model})
		}
	}
	return chunks.Err()
}

func gained(choice openai.ChatCompletionChoice, grown *worker.Grown) {
	index, message := int(choice.Index), choice.Message
	grown.Text("text", message.Content, index)
	grown.Text("refusal", message.Refusal, index)
	for place, call := range message.ToolCalls {
		grown.Tool(worker.Event{
			Type: "tool", Choice: index, Index: place, ID: worker.ToolID(call.ID),
			Name: call.Function.Name, Arguments: call.Function.Arguments,
		})
	}
	if choice.FinishReason != "" {
		grown.Value(worker.Event{
			Type: "finish", Choice: index, Reason: string(choice.FinishReason),
		})
	}
}
