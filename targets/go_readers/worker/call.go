package worker

import (
	"encoding/json"
	"time"
)

// Call is one request of worker protocol v1.
type Call struct {
	Dialect, Variant string
	// Request is the JSON body that the caller would send, byte for byte.
	Request json.RawMessage
	// Timeout is the library's own time limit.
	Timeout time.Duration
	url     string
	memory  *response // nil: there is a server
}

// URL is the base URL of the server, ending before the provider's path. In memory delivery
// nobody looks the host up.
func (c *Call) URL() string {
	if c.memory != nil {
		return "http://replayfuzz.invalid"
	}
	return c.url
}

// response is what memory delivery puts before the library.
type response struct {
	pieces   [][]byte // each is one read of the body
	status   int
	fields   [][2]string
	complete bool // false: the connection ended before the message did
}

// line is a request as it is written.
type line struct {
	ID      json.RawMessage `json:"id"`
	Dialect string          `json:"dialect"`
	Variant string          `json:"variant"`
	URL     string          `json:"url"`
	Timeout float64         `json:"timeout"` // seconds
	Request json.RawMessage `json:"request"`
	Pieces  *[][]byte       `json:"pieces"` // base64
	Status  int             `json:"status"`
	Fields  [][2]string     `json:"fields"`
	Ending  string          `json:"ending"`
}

func (l *line) call() *Call {
	call := &Call{
		Dialect: l.Dialect, Variant: l.Variant, Request: l.Request, url: l.URL,
		Timeout: time.Duration(l.Timeout * float64(time.Second)),
	}
	if len(call.Request) == 0 {
		call.Request = json.RawMessage("{}")
	}
	if l.Pieces != nil {
		status := l.Status
		if status == 0 {
			status = 200
		}
		whole := l.Ending == "" || l.Ending == "complete"
		call.memory = &response{*l.Pieces, status, l.Fields, whole}
	}
	return call
}

// Event is one thing that a caller of the library saw; fields that its type does not have,
// or that the library does not show, stay empty.
type Event struct {
	T         float64         `json:"t"` // seconds since the call began
	Type      string          `json:"type"`
	Choice    int             `json:"choice,omitempty"`
	Index     int             `json:"index,omitempty"`
	Role      string          `json:"role,omitempty"`
	Text      string          `json:"text,omitempty"`
	Name      string          `json:"name,omitempty"`
	Arguments string          `json:"arguments,omitempty"`
	Reason    string          `json:"reason,omitempty"`
	Usage     json.RawMessage `json:"usage,omitempty"`
	Model     string          `json:"model,omitempty"`
	Message   string          `json:"message,omitempty"`
	Event     *string         `json:"event,omitempty"`
	Data      *string         `json:"data,omitempty"`
	ID        *string         `json:"id,omitempty"`
	Retry     *int64          `json:"retry,omitempty"` // milliseconds
}

// ToolID is *id* as an event has it: left out where it is empty.
func ToolID(id string) *string {
	if id == "" {
		return nil
	}
	return &id
}
