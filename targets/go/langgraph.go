// LangGraph: a run's event stream goes to the client byte by byte as it is, heartbeats and all.

package main

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// graphRequest starts a run, in a thread where the payload names one.
func (up *upstream) graphRequest(p *payload) (*http.Request, error) {
	run := p.graph
	to := up.options.langgraph
	if run.profile != "" {
		name := strings.ToUpper(strings.ReplaceAll(run.profile, "-", "_"))
		to = provider{env("LANGGRAPH_API_BASE_"+name, ""), env("LANGGRAPH_API_KEY_"+name, "")}
	}
	if run.url != "" {
		to = provider{base: run.url} // our key is not for a server that the payload names
	}
	if run.key != "" {
		to.key = run.key
	}
	address, err := url.Parse(to.base)
	if err != nil || !isHTTP(address) {
		return nil, badRun("no LangGraph URL is known for this run")
	}
	if run.threadID == "." || run.threadID == ".." {
		return nil, badRun("thread_id is not a name")
	}
	if run.threadID != "" {
		address = address.JoinPath("threads", url.PathEscape(run.threadID))
	}
	input := run.input
	if input == nil {
		input = map[string]any{"messages": p.messages}
	}
	modes := run.streamMode
	if modes == nil {
		modes = []string{"messages"}
	}
	req := post(address.JoinPath("runs", "stream").String(), map[string]any{
		"assistant_id": run.assistantID, "input": input, "stream_mode": modes,
	}, p)
	if to.key != "" {
		req.Header.Set("X-Api-Key", to.key)
	}
	return req, nil
}

func badRun(message string) error {
	return &failure{http.StatusBadRequest, message, "bad payload"}
}

// proxy copies the stream. HTTP tells where it ends; an end before that is told to the client as
// an event of the name error, since closing alone would look like success.
func proxy(from *call, to *client) error {
	buffer := make([]byte, 32<<10)
	last := byte('\n')
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			last = buffer[n-1]
			if err := to.write(buffer[:n]); err != nil {
				return err
			}
		}
		if ended(err) {
			return nil
		}
		if err != nil {
			// In the middle of an event, what arrived of it becomes part of the error: no reader
			// takes half an event for a whole one.
			var out []byte
			if last != '\n' {
				out = append(out, '\n')
			}
			out = append(out, "event: error\n"...)
			return errors.Join(err, to.write(appendError(out, "the upstream broke off: "+clip(err.Error()))))
		}
	}
}
