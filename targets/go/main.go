// A streaming daemon: a web server hands it the sockets of its clients, and it answers each with
// what a language model says, event by event.
//
//	web server --SCM_RIGHTS--> daemon --HTTP--> provider
//	                             |
//	client <----HTTP, SSE--------+
//
// This file reads flags and environment, accepts, and ends. handoff.go follows one client from
// the first byte to the last and is the place to start reading.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// farewell is how long clients that are still being served may take to be told that we end.
const farewell = 500 * time.Millisecond

var errShutdown = errors.New("the daemon is shutting down")

// options is what flags and environment say. It does not change after the start.
type options struct {
	socket  string
	mode    os.FileMode
	backend string
	metrics string // address of the metrics listener; "" for none

	openai    provider
	langgraph provider
	dataDir   string // folder whose files a payload may name; "" for none

	upstreamIdle time.Duration // a provider may be silent for so long
	clientIdle   time.Duration // a client may take nothing for so long
}

// provider is an HTTP API and the key for it.
type provider struct {
	base string // without a trailing slash
	key  string
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("daemon: ")
	// Else a write to a closed stderr would end the process; sockets return EPIPE anyway.
	signal.Ignore(syscall.SIGPIPE)
	opts, err := readOptions(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil {
		err = run(opts)
	}
	if err != nil {
		log.Fatal(err) // exit status 1
	}
}

// run serves until SIGTERM or SIGINT.
func run(opts *options) error {
	stop, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() { <-signals; cancel(errShutdown) }()
	up, err := newUpstream(opts)
	if err != nil {
		return err
	}
	d := &daemon{options: opts, upstream: up}
	if opts.metrics != "" {
		if err := d.counters.listen(opts.metrics); err != nil {
			return err
		}
	}
	listener, err := listen(opts.socket, opts.mode)
	if err != nil {
		return err
	}
	defer listener.Close()
	context.AfterFunc(stop, func() { listener.Close() })

	var handOffs sync.WaitGroup
	for {
		peer, err := listener.AcceptUnix()
		if stop.Err() != nil || errors.Is(err, net.ErrClosed) {
			break
		}
		if err != nil { // EMFILE and the like: descriptors come back as clients finish
			log.Printf("accept: %v", err)
			time.Sleep(50 * time.Millisecond)
			continue
		}
		handOffs.Go(func() { d.handOff(stop, peer) })
	}

	// Every hand-off sees that stop is cancelled; there is no waiting for a client that stalls.
	told := make(chan struct{})
	go func() { handOffs.Wait(); close(told) }()
	select {
	case <-told:
	case <-time.After(farewell):
	}
	return nil
}

func readOptions(args []string) (*options, error) {
	opts := &options{
		openai:    provider{env("OPENAI_API_BASE", "https://api.openai.com/v1"), os.Getenv("OPENAI_API_KEY")},
		langgraph: provider{env("LANGGRAPH_API_BASE", ""), os.Getenv("LANGGRAPH_API_KEY")},
		dataDir:   os.Getenv("DAEMON_DATA_DIR"),
	}
	var mode string
	flags := flag.NewFlagSet("daemon", flag.ContinueOnError)
	flags.StringVar(&opts.socket, "socket", "/run/streaming-daemon.sock", "listen on this Unix socket")
	flags.StringVar(&mode, "socket-mode", env("DAEMON_SOCKET_MODE", "0660"), "its permissions, octal")
	flags.StringVar(&opts.backend, "backend", "openai", "openai or langgraph; a payload may override it")
	flags.StringVar(&opts.metrics, "metrics", "", "serve /healthz and /metrics on this TCP address")
	flags.SetOutput(io.Discard) // main reports an error in one line
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			flags.SetOutput(os.Stdout)
			flags.PrintDefaults()
		}
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("there is no argument %q; see -help", flags.Arg(0))
	}
	if !isBackend(opts.backend) {
		return nil, fmt.Errorf("-backend: %q is neither openai nor langgraph", opts.backend)
	}
	bits, err := strconv.ParseUint(mode, 8, 32)
	if err != nil || bits > 0o777 {
		return nil, fmt.Errorf("-socket-mode: %q is not an octal number up to 0777", mode)
	}
	opts.mode = os.FileMode(bits)
	if opts.upstreamIdle, err = envSeconds("OPENAI_IDLE_TIMEOUT", 60); err != nil {
		return nil, err
	}
	if opts.clientIdle, err = envSeconds("DAEMON_WRITE_TIMEOUT", 30); err != nil {
		return nil, err
	}
	return opts, nil
}

// env is a variable of the environment, or fallback where it is empty or not there.
func env(name, fallback string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return fallback
}

func envSeconds(name string, fallback float64) (time.Duration, error) {
	seconds, err := strconv.ParseFloat(env(name, fmt.Sprint(fallback)), 64)
	if err != nil || !(seconds > 0 && seconds < 1e6) {
		return 0, fmt.Errorf("%s: %q is not a number of seconds", name, os.Getenv(name))
	}
	return time.Duration(seconds * float64(time.Second)), nil
}

func envTrue(name string) bool {
	on, _ := strconv.ParseBool(env(name, "false"))
	return on
}
