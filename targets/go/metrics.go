// Counters, and the optional HTTP listener that shows them.

package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// counters count hand-offs.
type counters struct {
	total   atomic.Int64 // that brought a client
	active  atomic.Int64 // of these, being served
	errors  atomic.Int64 // of these, not served to the end
	refused atomic.Int64 // that brought no client
}

func (c *counters) started() { c.total.Add(1); c.active.Add(1) }
func (c *counters) ended()   { c.active.Add(-1) }

// listen serves /healthz and /metrics (Prometheus text format) until the process ends.
func (c *counters) listen(address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("cannot serve metrics on %s: %w", address, cause(err))
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "ok\n")
	})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		show(w, "counter", "daemon_handoffs_total", "Clients handed over.", c.total.Load())
		show(w, "gauge", "daemon_handoffs_active", "Clients being served.", c.active.Load())
		show(w, "counter", "daemon_handoff_errors_total", "Clients not served to the end.", c.errors.Load())
		show(w, "counter", "daemon_handoffs_refused_total", "Hand-offs without a client.", c.refused.Load())
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() { log.Print(server.Serve(listener)) }()
	return nil
}

func show(w io.Writer, kind, name, help string, value int64) {
	fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n%s %d\n", name, help, name, kind, name, value)
}
