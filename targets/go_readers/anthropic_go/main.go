// Drives github.com/anthropics/anthropic-sdk-go: Messages.NewStreaming, iterated.
package main

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"
	"github.com/anthropics/anthropic-sdk-go/packages/param"

	"replayfuzz/worker"
)

func main() {
	worker.Serve(worker.About{
		Name:     "anthropic-go",
		Module:   "github.com/anthropics/anthropic-sdk-go",
		Dialects: []string{"anthropic.messages"},
	}, stream)
}

func stream(call *worker.Call, show func(worker.Event)) error {
	client := anthropic.NewClient(
		option.WithAPIKey("replayfuzz"),
		option.WithBaseURL(call.URL()+"/"),
		option.WithHTTPClient(worker.Client(call)),
		option.WithMaxRetries(0),
	)
	request := param.Override[anthropic.MessageNewParams](call.Request)
	events := client.Messages.NewStreaming(context.Background(), request)
	defer events.Close()
	for events.Next() {
		one(events.Current(), show)
	}
	return events.Err()
}

func one(event anthropic.MessageStreamEventUnion, show func(worker.Event)) {
	index := int(event.Index)
	switch event.Type {
	case "message_start":
		begin(event.Message, show)
	case "content_block_start":
		block(event.ContentBlock, index, show)
	case "content_block_delta":
		delta(event.Delta, index, show)
	case "message_delta":
		if reason := string(event.Delta.StopReason); reason != "" {
			show(worker.Event{Type: "finish", Reason: reason})
		}
		if event.JSON.Usage.Valid() {
			usage := worker.Overlaid(event.Usage.RawJSON(), event.Usage)
			show(worker.Event{Type: "usage", Usage: usage})
		}
	case "message_stop":
		show(worker.Event{Type: "done"})
	}
}

func begin(message anthropic.Message, show func(worker.Event)) {
	if message.Model != "" {
		show(worker.Event{Type: "model", Model: string(message.Model)})
	}
	if message.JSON.Role.Valid() {
		show(worker.Event{Type: "role", Role: string(message.Role)})
	}
	if message.JSON.Usage.Valid() {
		usage := worker.Overlaid(message.Usage.RawJSON(), message.Usage)
		show(worker.Event{Type: "usage", Usage: usage})
	}
}

func block(
	block anthropic.ContentBlockStartEventContentBlockUnion, index int, show func(worker.Event),
) {
	switch {
	case block.Type == "text" && block.Text != "":
		show(worker.Event{Type: "text", Text: block.Text})
	case block.Type == "thinking" && block.Thinking != "":
		show(worker.Event{Type: "reasoning", Text: block.Thinking})
	case strings.HasSuffix(block.Type, "tool_use"):
		show(worker.Event{
			Type: "tool", Index: index, ID: worker.ToolID(block.ID), Name: block.Name,
			Arguments: spelt(block.Input),
		})
	}
}

// spelt is the input of a tool that came whole; {} stands for input that is still to come.
func spelt(input any) string {
	text, err := json.Marshal(input)
	if err != nil || string(text) == "{}" || string(text) == "null" {
		return ""
	}
	return string(text)
}

func delta(delta anthropic.MessageStreamEventUnionDelta, index int, show func(worker.Event)) {
	switch {
	case delta.Type == "text_delta" && delta.Text != "":
		show(worker.Event{Type: "text", Text: delta.Text})
	case delta.Type == "thinking_delta" && delta.Thinking != "":
		show(worker.Event{Type: "reasoning", Text: delta.Thinking})
	case delta.Type == "input_json_delta" && delta.PartialJSON != "":
		show(worker.Event{Type: "tool", Index: index, Arguments: delta.PartialJSON})
	}
}
