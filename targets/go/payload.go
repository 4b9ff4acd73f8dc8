// The message that comes with a client's socket: what to ask, and how to answer.

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// payload is a valid message; what it leaves out has its default. Unknown keys are ignored.
type payload struct {
	userID       string // for the log only
	model        string
	messages     []message
	maxTokens    json.Number // "" for none
	temperature  json.Number // "" for none
	requestID    string
	testPattern  string
	extraHeaders []header
	backend      string // "" for the daemon's own
	graph        graphRun
}

// message is one turn. Content is a string, or a list of parts where files are attached.
type message struct {
	Role    string `json:"role"`
	Content any    `json:"content"`
}

type header struct{ name, value string }

// graphRun is what a LangGraph run takes besides the messages.
type graphRun struct {
	threadID, assistantID string
	streamMode            []string
	input                 map[string]any
	profile, url, key     string
}

// parsePayload reads a message. No bytes, or the one NUL byte that a web server sends where it
// has nothing to say, mean every default. Errors are for the client: they may quote a key of the
// payload, but never what it holds.
func parsePayload(text []byte, dataDir string) (*payload, error) {
	if len(text) == 0 || string(text) == "\x00" {
		text = []byte("{}")
	}
	value, err := decodeJSON(text)
	members, isObject := value.(map[string]any)
	if err != nil || !isObject || !utf8.Valid(text) {
		return nil, errors.New("the payload is not a JSON object")
	}
	if hasLoneSurrogate(text) {
		return nil, errors.New("the payload holds a lone surrogate, which UTF-8 cannot express")
	}
	m := &memberReader{members: members}
	p := &payload{
		userID:       m.integer("user_id").String(),
		model:        m.text("model", "gpt-4o-mini"),
		maxTokens:    m.integer("max_tokens"),
		temperature:  m.number("temperature"),
		requestID:    m.headerValue("request_id"),
		testPattern:  m.headerValue("test_pattern"),
		extraHeaders: responseHeaders(m.object("response_headers")),
		backend:      m.text("backend", ""),
		graph:        m.graphRun(),
	}
	p.messages = m.conversation()
	if p.backend != "" && !isBackend(p.backend) {
		m.fail("backend", "openai or langgraph")
	}
	attached := m.attachments()
	if m.err != nil {
		return nil, m.err
	}
	// Last, so that no file is opened for a payload that is refused anyway.
	if p.messages, err = attach(p.messages, attached, dataDir); err != nil {
		return nil, err
	}
	return p, nil
}

func isBackend(name string) bool { return name == "openai" || name == "langgraph" }

// conversation is the messages, or the prompt as the only one, behind the system message.
func (m *memberReader) conversation() []message {
	var talk []message
	if system := m.text("system", ""); system != "" {
		talk = append(talk, message{"system", system})
	}
	prompt := m.text("prompt", "Hello")
	turns := m.list("messages")
	if len(turns) == 0 {
		return append(talk, message{"user", prompt})
	}
	for _, turn := range turns {
		turn := object(turn)
		role, hasRole := turn["role"].(string)
		content, hasContent := turn["content"].(string)
		if !hasRole || !hasContent {
			m.fail("messages", "a list of objects with a string role and a string content")
		}
		talk = append(talk, message{role, content})
	}
	return talk
}

func (m *memberReader) graphRun() graphRun {
	run := graphRun{
		threadID:    m.text("thread_id", ""),
		assistantID: m.text("assistant_id", "agent"),
		input:       m.object("langgraph_input"),
		profile:     m.text("profile", ""),
		url:         m.text("langgraph_url", ""),
		key:         m.headerValue("langgraph_api_key"),
	}
	for _, mode := range m.list("stream_mode") {
		name, ok := mode.(string)
		if !ok {
			m.fail("stream_mode", "a list of strings")
		}
		run.streamMode = append(run.streamMode, name)
	}
	// The three in one: "profile|url|key"; what it leaves empty is not set by it.
	fields := [...]*string{&run.profile, &run.url, &run.key}
	for i, part := range strings.SplitN(m.headerValue("lg"), "|", len(fields)) {
		if part != "" {
			*fields[i] = part
		}
	}
	return run
}

// fixedHeaders are part of every answer, or would change how its body is framed.
var fixedHeaders = []string{
	"content-type", "cache-control", "connection", "x-accel-buffering",
	"transfer-encoding", "content-length", "content-encoding",
}

// responseHeaders keeps what may be added to our head, by name; the rest is dropped in silence,
// since the page that asked for it cannot be told.
func responseHeaders(wanted map[string]any) []header {
	var kept []header
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		value, ok := wanted[name].(string)
		fixed := slices.Contains(fixedHeaders, strings.ToLower(name))
		if ok && !fixed && isToken(name) && !hasControl(value, '\t') {
			kept = append(kept, header{name, value})
		}
	}
	return kept
}

// isToken tells whether name can be a field name (RFC 9110 section 5.6.2).
func isToken(name string) bool {
	const tchar = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	return name != "" && strings.Trim(name, tchar) == ""
}

// hasControl tells whether text holds an ASCII control character other than allowed.
func hasControl(text string, allowed rune) bool {
	return strings.ContainsFunc(text, func(char rune) bool {
		return (char < ' ' || char == 0x7F) && char != allowed
	})
}

// memberReader reads members by name and type and keeps the first thing that is wrong. As in
// most APIs, null is the same as not being there.
type memberReader struct {
	members map[string]any
	err     error
}

func (m *memberReader) fail(name, want string) {
	if m.err == nil {
		m.err = fmt.Errorf("%s is not %s", name, want)
	}
}

// typed is a member of type T; zero where it is not there.
func typed[T any](m *memberReader, name, want string) (value T, found bool) {
	member := m.members[name]
	if member == nil {
		return value, false
	}
	value, found = member.(T)
	if !found {
		m.fail(name, want)
	}
	return value, found
}

func (m *memberReader) text(name, fallback string) string {
	if value, found := typed[string](m, name, "a string"); found {
		return value
	}
	return fallback
}

func (m *memberReader) object(name string) map[string]any {
	value, _ := typed[map[string]any](m, name, "an object")
	return value
}

func (m *memberReader) list(name string) []any {
	value, _ := typed[[]any](m, name, "a list")
	return value
}

func (m *memberReader) integer(name string) json.Number {
	value, found := typed[json.Number](m, name, "an integer")
	if _, err := value.Int64(); found && err != nil {
		m.fail(name, "a 64-bit integer")
	}
	return value
}

func (m *memberReader) number(name string) json.Number {
	value, found := typed[json.Number](m, name, "a number")
	if _, err := value.Float64(); found && err != nil {
		m.fail(name, "a number that a double can hold")
	}
	return value
}

// headerValue is a string that becomes the value of a header: nothing in it may end the line.
func (m *memberReader) headerValue(name string) string {
	value := m.text(name, "")
	for i := range len(value) {
		if value[i] < ' ' || value[i] > '~' {
			m.fail(name, "printable ASCII")
			break
		}
	}
	return value
}
