package worker

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Client is an http.Client that reads what *call* brings, from a server or from memory.
//
// It has one connection: what one stream left on its connection would otherwise be found in
// another example. It takes no proxy from the environment. The time limit is one of silence,
// since a whole answer may take long on a busy machine.
func Client(call *Call) *http.Client {
	if call.memory != nil {
		return &http.Client{Transport: remembered{call.memory}, CheckRedirect: stay}
	}
	wire := &http.Transport{DisableKeepAlives: true}
	wire.DialContext = func(given context.Context, network, address string) (net.Conn, error) {
		dialer := net.Dialer{Timeout: call.Timeout}
		connection, err := dialer.DialContext(given, network, address)
		if err != nil {
			return nil, err
		}
		return patient{connection, call.Timeout}, nil
	}
	return &http.Client{Transport: wire, CheckRedirect: stay}
}

// patient is a connection whose reads wait for so long and no longer.
type patient struct {
	net.Conn
	limit time.Duration
}

func (p patient) Read(into []byte) (int, error) {
	if err := p.SetReadDeadline(time.Now().Add(p.limit)); err != nil {
		return 0, err
	}
	return p.Conn.Read(into)
}

func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// remembered is a transport whose every response is the one that came with the request.
type remembered struct{ response *response }

func (r remembered) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Body != nil {
		_, _ = io.Copy(io.Discard, request.Body)
		_ = request.Body.Close()
	}
	header := http.Header{}
	for _, field := range r.response.fields {
		header.Add(field[0], field[1])
	}
	answer := &http.Response{
		Status:     strconv.Itoa(r.response.status) + " " + http.StatusText(r.response.status),
		StatusCode: r.response.status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        header,
		ContentLength: -1,
		Body:          &pieces{left: r.response.pieces, complete: r.response.complete},
		Request:       request,
	}
	asked := request.Header.Get("Accept-Encoding") // by the library: then it decodes, too
	if asked == "" && strings.EqualFold(header.Get("Content-Encoding"), "gzip") {
		header.Del("Content-Encoding")
		answer.Uncompressed = true
		answer.Body = &unzipped{coded: answer.Body}
	}
	return answer, nil
}

// pieces is a body that gives one piece a read.
type pieces struct {
	left     [][]byte
	complete bool
	closed   bool
}

func (p *pieces) Read(into []byte) (int, error) {
	if p.closed {
		return 0, http.ErrBodyReadAfterClose
	}
	if len(into) == 0 {
		return 0, nil
	}
	for len(p.left) > 0 {
		piece := p.left[0]
		size := copy(into, piece)
		if size == len(piece) {
			p.left = p.left[1:]
		} else {
			p.left[0] = piece[size:]
		}
		if size > 0 {
			return size, nil
		}
	}
	if !p.complete {
		return 0, io.ErrUnexpectedEOF // as net/http says it
	}
	return 0, io.EOF
}

func (p *pieces) Close() error {
	p.closed = true
	return nil
}

// unzipped decodes a body as http.Transport does: from the first read on.
type unzipped struct {
	coded io.ReadCloser
	plain *gzip.Reader
	fault error
}

func (u *unzipped) Read(into []byte) (int, error) {
	if u.plain == nil && u.fault == nil {
		u.plain, u.fault = gzip.NewReader(u.coded)
	}
	if u.fault != nil {
		return 0, u.fault
	}
	size, err := u.plain.Read(into)
	if err != nil && !errors.Is(err, io.EOF) {
		u.fault = err
	}
	return size, err
}

func (u *unzipped) Close() error { return u.coded.Close() }
