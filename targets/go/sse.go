// Server-sent events (WHATWG HTML 9.2.6, "Interpreting an event stream"): bytes in, events out.

package main

import (
	"bytes"
	"errors"
	"unicode/utf8"
)

// maxEvent bounds what one event may take, so that an endless line cannot take all memory.
const maxEvent = 8 << 20

var errEventTooLarge = errors.New("an event of the upstream is larger than 8 MiB")

var (
	byteOrderMark = []byte("\uFEFF")
	replacement   = []byte("\uFFFD")
)

// event is one dispatched event. Its data is valid UTF-8, without the trailing line end.
type event struct {
	name string
	data []byte
}

// sseReader reads a stream that arrives in pieces. What comes out depends on the joined bytes
// alone, never on where they were cut; time is linear in them.
type sseReader struct {
	line    []byte // the line whose end has not arrived
	data    []byte // data lines of the unfinished event, each with LF
	name    string
	started bool // the first line, and with it a byte order mark, is behind us
	afterCR bool
}

// read feeds bytes and returns the events that they complete.
func (r *sseReader) read(chunk []byte) ([]event, error) {
	var events []event
	for len(chunk) > 0 {
		if r.afterCR {
			// The CR ended its line at once. Waiting to see whether LF follows would hold an
			// event back for as long as the upstream stays silent.
			r.afterCR = false
			if chunk[0] == '\n' {
				chunk = chunk[1:]
				continue
			}
		}
		end := bytes.IndexAny(chunk, "\r\n")
		if end < 0 {
			r.line = append(r.line, chunk...)
			break
		}
		line := chunk[:end]
		if len(r.line) > 0 {
			r.line = append(r.line, line...)
			line = r.line
		}
		r.afterCR = chunk[end] == '\r'
		chunk = chunk[end+1:]
		if len(r.data)+len(line) > maxEvent {
			return events, errEventTooLarge
		}
		if done, ok := r.endLine(line); ok {
			events = append(events, done)
		}
		r.line = r.line[:0]
	}
	if len(r.data)+len(r.line) > maxEvent {
		return events, errEventTooLarge
	}
	return events, nil
}

// endLine reads one whole line; ok when it was the blank one that dispatches an event.
func (r *sseReader) endLine(line []byte) (done event, ok bool) {
	if !r.started {
		r.started = true
		line = bytes.TrimPrefix(line, byteOrderMark)
	}
	if len(line) == 0 {
		return r.dispatch()
	}
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(name) {
	case "data":
		r.data = append(append(r.data, value...), '\n')
	case "event":
		r.name = string(decode(value))
	}
	// Comments have no name; id and retry are for clients that connect again.
	return event{}, false
}

func (r *sseReader) dispatch() (done event, ok bool) {
	// "If the data buffer is an empty string, set the data buffer and the event type buffer to
	// the empty string and return." The buffer of a lone "data:" line is LF: that is an event.
	if len(r.data) > 0 {
		data := decode(r.data[:len(r.data)-1])
		done, ok = event{r.name, bytes.Clone(data)}, true
	}
	r.data, r.name = r.data[:0], ""
	return done, ok
}

// decode replaces what is not UTF-8 as the Encoding Standard does: one U+FFFD for each maximal
// subpart. Splitting lines first is the same: no byte of a longer character is CR, LF or a colon.
func decode(text []byte) []byte {
	if utf8.Valid(text) {
		return text
	}
	valid := make([]byte, 0, len(text)+len(replacement))
	for len(text) > 0 {
		char, size := utf8.DecodeRune(text)
		if char != utf8.RuneError || size > 1 {
			valid = append(valid, text[:size]...)
			text = text[size:]
			continue
		}
		for size < len(text) && !utf8.FullRune(text[:size+1]) {
			size++
		}
		valid = append(valid, replacement...)
		text = text[size:]
	}
	return valid
}
