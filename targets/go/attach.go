// Images and other files that go along with the last user message, as parts of its content.

package main

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

const (
	maxText   = 1 << 20  // bytes of a text file
	maxBinary = 20 << 20 // bytes of an image or another file
)

// refusal is an error that the client is told as plain text, as pages that upload files expect.
type refusal string

func (r refusal) Error() string { return string(r) }

const (
	imageNotAllowed      refusal = "Image path not allowed"
	attachmentNotAllowed refusal = "Attachment not allowed"
)

// attachment is a file below the data folder, or data that the payload itself holds.
type attachment struct {
	name  string // for people; "" for an image
	path  string // "" where data says it all
	data  []byte
	kind  string // media type; "" to look at the data
	image bool
}

func (m *memberReader) attachments() []attachment {
	var found []attachment
	for _, path := range append([]any{m.text("image_path", "")}, m.list("image_paths")...) {
		path, ok := path.(string)
		if !ok {
			m.fail("image_paths", "a list of strings")
		} else if path != "" {
			found = append(found, attachment{path: path, image: true})
		}
	}
	found = m.inlineImage(found, m.text("image_base64", ""), m.text("image_mime_type", ""))
	for _, item := range m.list("images") {
		item := object(item)
		data, hasData := item["base64"].(string)
		kind, isText := item["mime_type"].(string)
		if !hasData || (!isText && item["mime_type"] != nil) {
			m.fail("images", "a list of objects with a base64 and a mime_type")
		}
		found = m.inlineImage(found, data, kind)
	}
	paths, kinds := m.object("attachments"), m.object("attachment_types")
	for _, name := range slices.Sorted(maps.Keys(paths)) {
		path, isPath := paths[name].(string)
		kind, isText := kinds[name].(string)
		if path == "" || !isPath || (!isText && kinds[name] != nil) {
			m.fail("attachments", "an object of paths, with their media types in attachment_types")
		}
		found = append(found, attachment{name: name, path: path, kind: kind})
	}
	return found
}

func (m *memberReader) inlineImage(found []attachment, encoded, kind string) []attachment {
	if encoded == "" {
		return found
	}
	data, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		m.fail("image_base64", "base64")
	}
	return append(found, attachment{data: data, kind: kind, image: true})
}

// attach turns attachments into content parts of the last user message.
func attach(talk []message, attached []attachment, dataDir string) ([]message, error) {
	if len(attached) == 0 {
		return talk, nil
	}
	var parts []any
	last := len(talk) - 1
	if talk[last].Role == "user" {
		parts = append(parts, map[string]any{"type": "text", "text": talk[last].Content})
		talk = talk[:last]
	}
	for _, a := range attached {
		part, err := a.part(dataDir)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	return append(talk, message{"user", parts}), nil
}

// part is the attachment as OpenAI takes it: an image by data URL, text as text, the rest as file.
func (a attachment) part(dataDir string) (map[string]any, error) {
	if a.path != "" {
		data, err := a.readFile(dataDir)
		if err != nil {
			return nil, err
		}
		a.data = data
	}
	kind, _, err := mime.ParseMediaType(cmp.Or(a.kind, http.DetectContentType(a.data)))
	isImage := err == nil && strings.HasPrefix(kind, "image/")
	if err != nil || a.image && !isImage || len(a.data) > maxBinary {
		return nil, a.notAllowed()
	}
	url := "data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(a.data)
	switch {
	case isImage:
		return map[string]any{"type": "image_url", "image_url": map[string]any{"url": url}}, nil
	case isText(kind):
		if len(a.data) > maxText {
			return nil, a.notAllowed()
		}
		text := fmt.Sprintf("%s:\n%s", a.name, decode(a.data))
		return map[string]any{"type": "text", "text": text}, nil
	default:
		file := map[string]any{"filename": a.name, "file_data": url}
		return map[string]any{"type": "file", "file": file}, nil
	}
}

// readFile reads a regular file below the data folder. os.Root follows no link out of it and
// leaves no moment between check and use in which the path could become another.
func (a attachment) readFile(dataDir string) ([]byte, error) {
	if dataDir == "" {
		return nil, a.notAllowed()
	}
	path := a.path
	if filepath.IsAbs(path) {
		var err error
		if path, err = filepath.Rel(dataDir, path); err != nil {
			return nil, a.notAllowed()
		}
	}
	root, err := os.OpenRoot(dataDir)
	if err != nil {
		return nil, a.notAllowed()
	}
	defer root.Close()
	// Opening a pipe would wait for its other end.
	file, err := root.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil, refusal("File not found")
	}
	if err != nil {
		return nil, a.notAllowed()
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxBinary {
		return nil, a.notAllowed()
	}
	data, err := io.ReadAll(io.LimitReader(file, maxBinary+1)) // it may be growing
	if err != nil {
		return nil, a.notAllowed()
	}
	return data, nil
}

func (a attachment) notAllowed() refusal {
	if a.image {
		return imageNotAllowed
	}
	return attachmentNotAllowed
}

func isText(kind string) bool {
	return strings.HasPrefix(kind, "text/") || kind == "application/json" || kind == "application/xml"
}
