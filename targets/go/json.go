// JSON as we read it: exact names, numbers as written, nothing after the value.

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"unicode/utf16"
)

var errTrailing = errors.New("something follows the JSON value")

// decodeJSON reads one value. A lone surrogate escape, which UTF-8 cannot hold, becomes U+FFFD.
func decodeJSON(text []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber() // 1e400 in a member that nobody reads is no error
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errTrailing
	}
	return value, nil
}

// encodeJSON writes a value in one line, without the HTML escapes that nobody here needs.
func encodeJSON(value any) []byte {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err) // what we encode is made of maps, slices, strings and numbers
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n"))
}

// hasLoneSurrogate tells whether valid JSON holds half of a surrogate pair as an escape.
func hasLoneSurrogate(text []byte) bool {
	for at := 0; at < len(text); at++ {
		if text[at] != '\\' {
			continue
		}
		at++ // the escaped character; a backslash is one, too
		if text[at] != 'u' {
			continue
		}
		unit := escapedUnit(text[at-1:])
		at += 4
		if !utf16.IsSurrogate(unit) {
			continue
		}
		if utf16.DecodeRune(unit, escapedUnit(text[at+1:])) == '\uFFFD' {
			return true
		}
		at += 6
	}
	return false
}

// escapedUnit is the UTF-16 code unit of the \uXXXX that text begins with; -1 where it does not.
func escapedUnit(text []byte) rune {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return -1
	}
	unit, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	if err != nil {
		return -1
	}
	return rune(unit)
}

// messageOf is the text for people in an error as providers write it; "" where there is none.
//
//	{"error": {"message": …}}   {"error": "…"}   {"message": …}   {"detail": "…"}   "…"   [{…}]
func messageOf(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case []any:
		if len(value) > 0 {
			return messageOf(value[0])
		}
	case map[string]any:
		if inner := value["error"]; !isEmpty(inner) {
			return messageOf(inner)
		}
		for _, name := range []string{"message", "detail"} {
			if text, _ := value[name].(string); text != "" {
				return text
			}
		}
	}
	return ""
}

// isEmpty tells whether an error member says that there is no error.
func isEmpty(value any) bool {
	switch value := value.(type) {
	case nil:
		return true
	case bool:
		return !value
	case string:
		return value == ""
	case []any:
		return len(value) == 0
	case map[string]any:
		return len(value) == 0
	case json.Number:
		number, err := value.Float64()
		return err == nil && number == 0
	}
	return false
}

// clip shortens text that came from elsewhere.
func clip(text string) string {
	const most = 500
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
