package worker

import (
	"encoding/json"
	"strings"
)

// Decoded is the text that a JSON string holds; "" for anything else.
func Decoded(text string) string {
	value := ""
	if text == "" || json.Unmarshal([]byte(text), &value) != nil {
		return ""
	}
	return value
}

// Grown turns an accumulated message, seen again and again, into the events of its growth.
// Text that does not continue what was there is shown whole, so that it is noticed.
type Grown struct {
	show   func(Event)
	texts  map[place]string
	values map[place]Event
}

type place struct {
	kind          string
	choice, index int
}

// NewGrown makes one that shows events by *show*.
func NewGrown(show func(Event)) *Grown {
	return &Grown{show, map[place]string{}, map[place]Event{}}
}

// Value shows *event*, unless it is just what was shown of its type and choice before.
func (g *Grown) Value(event Event) {
	at := place{event.Type, event.Choice, event.Index}
	before := g.values[at]
	if before.Role != event.Role || before.Model != event.Model || before.Reason != event.Reason {
		g.values[at] = event
		g.show(event)
	}
}

// Text shows what *text* has gained.
func (g *Grown) Text(kind, text string, choice int) {
	if gained := g.gained(place{kind, choice, 0}, text); gained != "" {
		g.show(Event{Type: kind, Choice: choice, Text: gained})
	}
}

// Tool shows what a tool call has gained: its id and name at first.
func (g *Grown) Tool(call Event) {
	at := place{"tool", call.Choice, call.Index}
	before, known := g.values[at]
	same := known && before.Name == call.Name && said(before.ID) == said(call.ID)
	g.values[at] = call
	call.Arguments = g.gained(at, call.Arguments)
	if !same || call.Arguments != "" {
		g.show(call)
	}
}

func (g *Grown) gained(at place, text string) string {
	before := g.texts[at]
	g.texts[at] = text
	return strings.TrimPrefix(text, before)
}

func said(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
