// OpenAI chat completions as a stream: what one event means to our client.

package main

import (
	"bytes"
	"cmp"
	"encoding/json"
)

// tell appends what the client is told about one event; over when nothing may follow it.
func tell(out []byte, e event) (told []byte, over bool) {
	if string(bytes.TrimSpace(e.data)) == "[DONE]" {
		return append(out, "data: [DONE]\n\n"...), true
	}
	value, err := decodeJSON(e.data)
	chunk, isObject := value.(map[string]any)
	switch {
	case e.name == "error":
		return appendError(out, cmp.Or(messageOf(value), string(e.data))), true
	case err != nil || !isObject:
		return appendError(out, "the upstream sent an event that is not a JSON object: "+clip(string(e.data))), true
	case !isEmpty(chunk["error"]) || chunk["object"] == "error":
		return appendError(out, cmp.Or(messageOf(chunk), string(e.data))), true
	}
	for position, choice := range list(chunk["choices"]) {
		choice := object(choice)
		if !isFirst(choice["index"], position) {
			continue
		}
		if text, _ := object(choice["delta"])["content"].(string); text != "" {
			out = appendEvent(out, map[string]string{"content": text})
		}
	}
	return out, false
}

// isFirst tells whether a choice is the first answer: an index that is none is its position.
func isFirst(index any, position int) bool {
	if number, ok := index.(json.Number); ok {
		if whole, err := number.Int64(); err == nil {
			return whole == 0
		}
	}
	return position == 0
}

func appendError(out []byte, message string) []byte {
	return appendEvent(out, map[string]string{"error": message})
}

func appendEvent(out []byte, data map[string]string) []byte {
	out = append(out, "data: "...)
	out = append(out, encodeJSON(data)...)
	return append(out, "\n\n"...)
}

// object and list are value if it is one, else an empty one: a stranger type says nothing.
func object(value any) map[string]any { found, _ := value.(map[string]any); return found }
func list(value any) []any            { found, _ := value.([]any); return found }
