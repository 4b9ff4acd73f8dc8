// Record with go-vcr v3: go run govcr3.go http://127.0.0.1:PORT FOLDER/govcr3
package main

import (
	"io"
	"net/http"
	"os"
	"strings"

	"gopkg.in/dnaeon/go-vcr.v3/recorder"
)

const asked = `{"model":"m-1","stream":true,"messages":[{"role":"user","content":"Hi"}]}`

func main() {
	r, err := recorder.New(os.Args[2])
	if err != nil {
		panic(err)
	}
	defer r.Stop()
	client := r.GetDefaultClient()
	for _, path := range []string{"/v1/chat/completions", "/gzip/v1/chat/completions", "/api/chat"} {
		request, _ := http.NewRequest("POST", os.Args[1]+path, strings.NewReader(asked))
		request.Header.Set("Content-Type", "application/json")
		if strings.HasPrefix(path, "/gzip") {
			request.Header.Set("Accept-Encoding", "gzip") // so Go's transport leaves it coded
		}
		response, err := client.Do(request)
		if err != nil {
			panic(err)
		}
		io.Copy(io.Discard, response.Body)
		response.Body.Close()
	}
}
