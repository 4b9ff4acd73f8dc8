package main

import (
	"github.com/openai/openai-go/v3/responses"

	"replayfuzz/worker"
)

var texts = map[string]string{
	"response.output_text.delta":            "text",
	"response.refusal.delta":                "refusal",
	"response.reasoning_summary_text.delta": "reasoning",
	"response.reasoning_text.delta":         "reasoning",
}

var pieces = map[string]bool{
	"response.function_call_arguments.delta": true,
	"response.custom_tool_call_input.delta":  true,
	"response.mcp_call_arguments.delta":      true,
}

// answered shows a stream of the Responses API, event by event.
type answered struct {
	show  func(worker.Event)
	model string
}

func (a *answered) event(event responses.ResponseStreamEventUnion) {
	if model := string(event.Response.Model); model != "" && model != a.model {
		a.model = model
		a.show(worker.Event{Type: "model", Model: model})
	}
	switch kind := event.Type; {
	case kind == "response.output_item.added":
		a.item(event.Item, int(event.OutputIndex))
	case texts[kind] != "" && event.Delta != "":
		a.show(worker.Event{Type: texts[kind], Text: event.Delta})
	case pieces[kind] && event.Delta != "":
		a.show(worker.Event{Type: "tool", Index: int(event.OutputIndex), Arguments: event.Delta})
	case kind == "response.completed" || kind == "response.incomplete":
		a.end(event.Response)
	case kind == "error":
		a.show(worker.Event{Type: "error", Message: event.Message})
	case kind == "response.failed":
		a.show(worker.Event{Type: "error", Message: event.Response.Error.Message})
	}
}

func (a *answered) item(item responses.ResponseOutputItemUnion, index int) {
	tool := worker.Event{Type: "tool", Index: index}
	switch item.Type {
	case "function_call":
		call := item.AsFunctionCall()
		tool.ID, tool.Name, tool.Arguments = worker.ToolID(call.CallID), call.Name, call.Arguments
	case "custom_tool_call":
		call := item.AsCustomToolCall()
		tool.ID, tool.Name, tool.Arguments = worker.ToolID(call.CallID), call.Name, call.Input
	case "mcp_call":
		call := item.AsMcpCall()
		tool.ID, tool.Name, tool.Arguments = worker.ToolID(call.ID), call.Name, call.Arguments
	default:
		if role := string(item.Role); role != "" {
			a.show(worker.Event{Type: "role", Role: role})
		}
		return
	}
	a.show(tool)
}

func (a *answered) end(response responses.Response) {
	reason := string(response.IncompleteDetails.Reason)
	if reason == "" {
		reason = string(response.Status)
	}
	if reason != "" {
		a.show(worker.Event{Type: "finish", Reason: reason})
	}
	if response.JSON.Usage.Valid() {
		usage := worker.Overlaid(response.Usage.RawJSON(), response.Usage)
		a.show(worker.Event{Type: "usage", Usage: usage})
	}
}
