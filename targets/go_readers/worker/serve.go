// Package worker is the target's side of worker protocol v1 (docs/worker-protocol.md):
// what replayfuzz/worker.py is for Python. Standard library only.
package worker

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"runtime/debug"
	"strings"
	"syscall"
	"time"
)

// Adapter makes one call with the library under test, and shows what its caller sees.
type Adapter func(call *Call, show func(Event)) error

// About is what the ready line says.
type About struct {
	Name     string
	Module   string // path of the module under test
	Dialects []string
	Variants []string // none: "default"
}

type ready struct {
	Ready    int      `json:"ready"`
	Name     string   `json:"name"`
	Version  string   `json:"version"`
	Dialects []string `json:"dialects"`
	Variants []string `json:"variants"`
	Memory   bool     `json:"memory"`
}

type answer struct {
	ID     json.RawMessage `json:"id"`
	Events []Event         `json:"events"`
	End    string          `json:"end"`
	Error  *failure        `json:"error,omitempty"`
	CPU    float64         `json:"cpu"` // seconds
}

// Serve answers requests on standard input until it ends; never returns.
//
// From here on standard output is standard error and standard input is empty, so that a
// library that prints or reads cannot touch the protocol.
func Serve(about About, adapter Adapter) {
	requests, answers := claim()
	if len(about.Variants) == 0 {
		about.Variants = []string{"default"}
	}
	send(answers, ready{
		1, about.Name, version(about.Module), about.Dialects, about.Variants, true,
	})
	lines := bufio.NewReaderSize(requests, 1<<16)
	for {
		text, err := lines.ReadBytes('\n')
		if len(bytes.TrimSpace(text)) > 0 {
			var asked line
			if fault := json.Unmarshal(text, &asked); fault != nil {
				quit("a request is not worker protocol v1: " + fault.Error())
			}
			send(answers, run(&asked, adapter))
		}
		if err == io.EOF {
			os.Exit(0)
		}
		if err != nil {
			quit(err.Error())
		}
	}
}

// claim takes the standard descriptors away; what stays in their places is harmless.
func claim() (requests, answers *os.File) {
	descriptors := [2]*os.File{}
	for number := range descriptors {
		kept, err := syscall.Dup(number)
		if err != nil {
			quit(err.Error())
		}
		syscall.CloseOnExec(kept)
		descriptors[number] = os.NewFile(uintptr(kept), "protocol")
	}
	empty, err := os.Open(os.DevNull)
	if err != nil {
		quit(err.Error())
	}
	defer empty.Close()
	for number, put := range []int{int(empty.Fd()), 2} {
		if err := replace(put, number); err != nil {
			quit(err.Error())
		}
	}
	return descriptors[0], descriptors[1]
}

func run(asked *line, adapter Adapter) answer {
	events := []Event{}
	call := asked.call()
	before, began := processorTime(), time.Now()
	err := guarded(adapter, call, func(event Event) {
		event.T = rounded(time.Since(began).Seconds())
		events = append(events, event)
	})
	shown := answer{ID: asked.ID, Events: events, End: "complete"}
	if err != nil {
		shown.End, shown.Error = "error", failed(err)
	}
	shown.CPU = rounded((processorTime() - before).Seconds())
	return shown
}

// guarded lets a panic end the process, as it would end a user's, but with its message as
// the last line of standard error instead of the first.
func guarded(adapter Adapter, call *Call, show func(Event)) error {
	defer func() {
		if fault := recover(); fault != nil {
			os.Stderr.Write(debug.Stack())
			quit(fmt.Sprint("panic: ", fault))
		}
	}()
	return adapter(call, show)
}

func send(to io.Writer, value any) {
	var text bytes.Buffer
	coder := json.NewEncoder(&text)
	coder.SetEscapeHTML(false)
	if err := coder.Encode(value); err != nil {
		quit("an answer is no JSON: " + err.Error())
	}
	if _, err := to.Write(text.Bytes()); err != nil {
		quit(err.Error())
	}
}

func quit(message string) {
	fmt.Fprintln(os.Stderr, message)
	os.Exit(2)
}

// version of the module under test, as it was compiled in.
func version(module string) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, each := range info.Deps {
			if each.Path == module {
				return strings.TrimPrefix(each.Version, "v")
			}
		}
	}
	return ""
}

func processorTime() time.Duration {
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func rounded(seconds float64) float64 { return math.Round(seconds*1e6) / 1e6 }
