// Drives github.com/sashabaranov/go-openai: CreateChatCompletionStream, received to its end.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"

	"github.com/sashabaranov/go-openai"

	"replayfuzz/worker"
)

func main() {
	worker.Serve(worker.About{
		Name:     "go-openai",
		Module:   "github.com/sashabaranov/go-openai",
		Dialects: []string{"openai.chat"},
	}, stream)
}

func stream(call *worker.Call, show func(worker.Event)) error {
	config := openai.DefaultConfig("replayfuzz")
	config.BaseURL = call.URL() + "/v1"
	config.HTTPClient = worker.Client(call)
	var request openai.ChatCompletionRequest
	if err := json.Unmarshal(call.Request, &request); err != nil {
		return fmt.Errorf("the request has no form in this library: %w", err)
	}
	client := openai.NewClientWithConfig(config)
	chunks, err := client.CreateChatCompletionStream(context.Background(), request)
	if err != nil {
		return err
	}
	defer chunks.Close()
	model := ""
	for {
		chunk, err := chunks.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if chunk.Model != "" && chunk.Model != model {
			model = chunk.Model
			show(worker.Event{Type: "model", Model: model})
		}
		for _, choice := range chunk.Choices {
			choose(choice, show)
		}
	}
}

func choose(choice openai.ChatCompletionStreamChoice, show func(worker.Event)) {
	index, delta := choice.Index, choice.Delta
	if delta.Role != "" {
		show(worker.Event{Type: "role", Choice: index, Role: delta.Role})
	}
	texts := [3][2]string{
		{"reasoning", worker.Text(delta, "ReasoningContent")},
		{"text", delta.Content},
		{"refusal", worker.Text(delta, "Refusal")},
	}
	for _, text := range texts {
		if text[1] != "" {
			show(worker.Event{Type: text[0], Choice: index, Text: text[1]})
		}
	}
	calls := worker.Field(delta, "ToolCalls")
	for place := 0; calls.IsValid() && place < calls.Len(); place++ {
		show(tool(calls.Index(place).Interface(), place, index))
	}
	if choice.FinishReason != "" && choice.FinishReason != "null" { // as its own JSON form has it
		show(worker.Event{Type: "finish", Choice: index, Reason: string(choice.FinishReason)})
	}
}

// tool reads a ToolCall, which the first releases do not have.
func tool(call any, place, choice int) worker.Event {
	if index := worker.Field(call, "Index"); index.IsValid() && index.Kind() == reflect.Int {
		place = int(index.Int())
	}
	function := worker.Field(call, "Function").Interface()
	return worker.Event{
		Type: "tool", Choice: choice, Index: place,
		ID:        worker.ToolID(worker.Text(call, "ID")),
		Name:      worker.Text(function, "Name"),
		Arguments: worker.Text(function, "Arguments"),
	}
}
