// Record with httprr, in a module with a copy of an internal/httprr package (see README.md):
// BASE=http://127.0.0.1:PORT FILE=FOLDER/httprr.httprr go test -httprecord=. .
package main

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"lc/internal/httprr"
)

const asked = `{"model":"m-1","stream":true,"messages":[{"role":"user","content":"Hi"}]}`

func TestRecord(t *testing.T) {
	rr, err := httprr.Open(os.Getenv("FILE"), http.DefaultTransport)
	if err != nil {
		t.Fatal(err)
	}
	defer rr.Close()
	for _, path := range []string{"/v1/chat/completions", "/gzip/v1/chat/completions", "/api/chat"} {
		request, _ := http.NewRequest("POST", os.Getenv("BASE")+path, strings.NewReader(asked))
		request.Header.Set("Content-Type", "application/json")
		if strings.HasPrefix(path, "/gzip") {
			request.Header.Set("Accept-Encoding", "gzip") // so Go's transport leaves it coded
		}
		response, err := rr.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, response.Body)
		response.Body.Close()
	}
}
