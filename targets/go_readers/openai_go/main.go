// Drives github.com/openai/openai-go/v3: Chat.Completions.NewStreaming and
// Responses.NewStreaming, iterated; and the accumulator of chat completions.
package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/responses"

	"replayfuzz/worker"
)

const (
	chat      = "openai.chat"
	answering = "openai.responses"
	raw       = "raw"
	helper    = "helper"
)

func main() {
	worker.Serve(worker.About{
		Name:     "openai-go",
		Module:   "github.com/openai/openai-go/v3",
		Dialects: []string{chat, answering},
		Variants: []string{raw, helper},
	}, stream)
}

func stream(call *worker.Call, show func(worker.Event)) error {
	client := openai.NewClient(
		option.WithAPIKey("replayfuzz"),
		option.WithBaseURL(call.URL()+"/v1/"),
		option.WithHTTPClient(worker.Client(call)),
		option.WithMaxRetries(0),
	)
	switch {
	case call.Dialect == answering:
		return told(respond(client, call, show))
	case call.Variant == helper:
		return told(accumulate(client, call, show))
	default:
		return told(complete(client, call, show))
	}
}

// told adds the provider's message, which is a field of the error and not in its text.
func told(err error) error {
	var refused *openai.Error
	if !errors.As(err, &refused) || strings.Contains(err.Error(), refused.Message) {
		return err
	}
	return fmt.Errorf("%w: %s", err, refused.Message)
}

func complete(client openai.Client, call *worker.Call, show func(worker.Event)) error {
	request := param.Override[openai.ChatCompletionNewParams](call.Request)
	chunks := client.Chat.Completions.NewStreaming(context.Background(), request)
	defer chunks.Close()
	model := ""
	for chunks.Next() {
		chunk := chunks.Current()
		if chunk.Model != "" && chunk.Model != model {
			model = chunk.Model
			show(worker.Event{Type: "model", Model: model})
		}
		for _, choice := range chunk.Choices {
			choose(choice, show)
		}
		if chunk.JSON.Usage.Valid() {
			show(worker.Event{Type: "usage", Usage: worker.Overlaid(chunk.Usage.RawJSON(), chunk.Usage)})
		}
	}
	return chunks.Err()
}

func choose(choice openai.ChatCompletionChunkChoice, show func(worker.Event)) {
	index, delta := int(choice.Index), choice.Delta
	if delta.Role != "" {
		show(worker.Event{Type: "role", Choice: index, Role: delta.Role})
	}
	texts := [3][2]string{
		{"reasoning", reasoning(delta)}, {"text", delta.Content}, {"refusal", delta.Refusal},
	}
	for _, text := range texts {
		if text[1] != "" {
			show(worker.Event{Type: text[0], Choice: index, Text: text[1]})
		}
	}
	for _, call := range delta.ToolCalls {
		show(worker.Event{
			Type: "tool", Choice: index, Index: int(call.Index),
			ID: worker.ToolID(call.ID), Name: call.Function.Name,
			Arguments: call.Function.Arguments,
		})
	}
	if choice.FinishReason != "" {
		show(worker.Event{Type: "finish", Choice: index, Reason: string(choice.FinishReason)})
	}
}

// reasoning is no field of OpenAI's own, but the structs keep members that they do not know,
// as JSON.
func reasoning(delta openai.ChatCompletionChunkChoiceDelta) string {
	for _, name := range [2]string{"reasoning_content", "reasoning"} {
		text := worker.Decoded(delta.JSON.ExtraFields[name].Raw())
		if text != "" {
			return text
		}
	}
	return ""
}

func respond(client openai.Client, call *worker.Call, show func(worker.Event)) error {
	request := param.Override[responses.ResponseNewParams](call.Request)
	events := client.Responses.NewStreaming(context.Background(), request)
	defer events.Close()
	seen := answered{show: show}
	for events.Next() {
		seen.event(events.Current())
	}
	return events.Err()
}
