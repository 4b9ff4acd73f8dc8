package worker

import (
	"encoding/json"
	"reflect"
)

// Field is the field of a struct (or of what a pointer points to), of any release: one
// that an old release does not have is empty.
func Field(value any, name string) reflect.Value {
	seen := settled(reflect.ValueOf(value))
	if !seen.IsValid() || seen.Kind() != reflect.Struct {
		return reflect.Value{}
	}
	return settled(seen.FieldByName(name))
}

// Text is a field of kind string, or "".
func Text(value any, name string) string {
	if field := Field(value, name); field.IsValid() && field.Kind() == reflect.String {
		return field.String()
	}
	return ""
}

// Overlaid is the JSON object *sent* with the values that *model*, the struct that was made
// of it, has for its members: what a caller sees of what was sent. Members that the struct
// does not have are as they were sent.
func Overlaid(sent string, model any) json.RawMessage {
	var members map[string]json.RawMessage
	if json.Unmarshal([]byte(sent), &members) != nil || members == nil {
		return nil
	}
	var modelled map[string]json.RawMessage
	if text, err := json.Marshal(model); err == nil {
		_ = json.Unmarshal(text, &modelled)
	}
	for name, text := range members {
		value, known := modelled[name]
		if !known || string(text) == "null" {
			continue
		}
		members[name] = value
		if inner := Overlaid(string(text), value); inner != nil {
			members[name] = inner
		}
	}
	text, _ := json.Marshal(members) // of valid parts
	return text
}

func settled(value reflect.Value) reflect.Value {
	for value.IsValid() && (value.Kind() == reflect.Pointer || value.Kind() == reflect.Interface) {
		value = value.Elem()
	}
	return value
}
