// Drives github.com/tmaxmax/go-sse: Read, of the body of a response.
package main

import (
	"bytes"
	"fmt"
	"net/http"

	"github.com/tmaxmax/go-sse"

	"replayfuzz/worker"
)

func main() {
	worker.Serve(worker.About{
		Name:     "go-sse",
		Module:   "github.com/tmaxmax/go-sse",
		Dialects: []string{"sse"},
	}, stream)
}

func stream(call *worker.Call, show func(worker.Event)) error {
	body := bytes.NewReader(call.Request)
	answer, err := worker.Client(call).Post(call.URL()+"/events", "application/json", body)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("the server answered %s", answer.Status)
	}
	for event, err := range sse.Read(answer.Body, nil) {
		if err != nil {
			return err
		}
		if event.Type == "" { // "It is empty if the event is unnamed."
			event.Type = "message"
		}
		show(worker.Event{
			Type: "sse", Event: &event.Type, Data: &event.Data, ID: &event.LastEventID,
		})
	}
	return nil
}
