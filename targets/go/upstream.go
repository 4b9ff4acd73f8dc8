// The provider: one request over one connection of its own for each hand-off.

package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	maxErrorBody  = 64 << 10
	errorBodyTime = 5 * time.Second
	streamWindow  = 256 << 10 // bytes that HTTP/2 may send ahead of a slow client
)

// upstream makes calls.
type upstream struct {
	options   *options
	protocols http.Protocols
	insecure  bool
}

func newUpstream(opts *options) (*upstream, error) {
	up := &upstream{options: opts, insecure: envTrue("OPENAI_INSECURE_SSL")}
	if envTrue("OPENAI_HTTP2_ENABLED") {
		up.protocols.SetHTTP2(true)
		up.protocols.SetUnencryptedHTTP2(true)
	} else {
		up.protocols.SetHTTP1(true)
	}
	for _, p := range []*provider{&opts.openai, &opts.langgraph} {
		p.base = strings.TrimRight(p.base, "/")
		if base, err := url.Parse(p.base); p.base != "" && (err != nil || !isHTTP(base)) {
			return nil, errors.New("OPENAI_API_BASE or LANGGRAPH_API_BASE is not an http or https URL")
		}
	}
	return up, nil
}

func isHTTP(base *url.URL) bool {
	return (base.Scheme == "http" || base.Scheme == "https") && base.Host != ""
}

// failure is a call that gave no stream; the client gets it as an HTTP error.
type failure struct {
	status  int
	message string // for the client: may quote the upstream
	logged  string // for the log: may not, since an upstream may quote the payload
}

func (f *failure) Error() string { return f.message }

// call is a request, and then its answer, that ends when the client's context does, or when the
// upstream is silent for too long.
type call struct {
	ctx      context.Context
	cancel   context.CancelCauseFunc
	silence  *time.Timer
	patience time.Duration
	body     io.ReadCloser
}

var errSilent = errors.New("the upstream was silent for too long")

// open sends a request and waits for the head of a 200; everything else is a *failure.
func (up *upstream) open(ctx context.Context, req *http.Request) (*call, error) {
	c := &call{patience: up.options.upstreamIdle}
	c.ctx, c.cancel = context.WithCancelCause(ctx)
	c.silence = time.AfterFunc(c.patience, func() { c.cancel(errSilent) })
	// A pool would hand out connections that the upstream has meanwhile closed, and the answer to
	// a POST that fails there cannot tell whether it may be sent again.
	transport := &http.Transport{
		DisableKeepAlives:  true,
		DisableCompression: true, // an event must not wait in a decoder for the next one
		Protocols:          &up.protocols,
		HTTP2:              &http.HTTP2Config{MaxReceiveBufferPerStream: streamWindow},
		TLSClientConfig:    &tls.Config{InsecureSkipVerify: up.insecure},
		DialContext:        c.dial,
	}
	// RoundTrip, not Client: no redirect is followed, no cookie kept, no proxy asked.
	response, err := transport.RoundTrip(req.WithContext(c.ctx))
	c.silence.Stop()
	if err != nil {
		defer c.close()
		if cause := context.Cause(c.ctx); cause != nil {
			err = cause
		}
		message := "the upstream cannot be reached: " + clip(err.Error())
		return nil, &failure{http.StatusBadGateway, message, reason(err)}
	}
	c.body = response.Body
	if err := c.refused(response); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// dial connects, and sees to it that the connection ends with the call, in HTTP/2 as well.
func (c *call) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err == nil {
		context.AfterFunc(c.ctx, func() { conn.Close() })
	}
	return conn, err
}

// Read reads the body; the time that the caller spends between two reads is not silence.
func (c *call) Read(buffer []byte) (int, error) {
	c.silence.Reset(c.patience)
	n, err := c.body.Read(buffer)
	c.silence.Stop()
	if cause := context.Cause(c.ctx); cause != nil && err != nil {
		err = cause
	}
	return n, err
}

// close drops the connection, whatever the upstream still has to say.
func (c *call) close() {
	c.silence.Stop()
	c.cancel(nil)
	if c.body != nil {
		c.body.Close()
	}
}

// refused is the failure that an answer other than a stream is, or nil.
func (c *call) refused(response *http.Response) error {
	status := response.StatusCode
	coding := strings.ToLower(response.Header.Get("Content-Encoding"))
	switch {
	case status == http.StatusOK && (coding == "" || coding == "identity"):
		return nil
	case status == http.StatusOK:
		message := "the upstream sent a content coding that was not asked for: " + clip(coding)
		return &failure{http.StatusBadGateway, message, "unasked content coding"}
	case status < 400 || status > 599:
		message := fmt.Sprintf("the upstream answered %d %s", status, http.StatusText(status))
		return &failure{http.StatusBadGateway, message, fmt.Sprintf("status %d", status)}
	}
	// What came in time is worth telling, even when the body is broken off.
	late := time.AfterFunc(errorBodyTime, func() { c.cancel(errSilent) })
	defer late.Stop()
	body, _ := io.ReadAll(io.LimitReader(response.Body, maxErrorBody))
	message := ""
	if value, err := decodeJSON(bytes.TrimPrefix(body, byteOrderMark)); err == nil {
		message = messageOf(value)
	}
	line := strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
	if text := strings.TrimSpace(string(decode(body))); message == "" && text != "" {
		line += ": " + clip(text)
	}
	return &failure{status, cmp.Or(message, line), fmt.Sprintf("status %d", status)}
}

// reason says why a call failed in words that are ours or the system's, never the upstream's.
func reason(err error) string {
	var network *net.OpError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &network), errors.As(err, &certificate), errors.Is(err, errSilent):
		return err.Error()
	}
	return "no HTTP answer"
}

// chatRequest asks for a chat completion as a stream.
func (up *upstream) chatRequest(p *payload) *http.Request {
	body := map[string]any{"model": p.model, "messages": p.messages, "stream": true}
	if p.maxTokens != "" {
		body["max_tokens"] = p.maxTokens
	}
	if p.temperature != "" {
		body["temperature"] = p.temperature
	}
	to := up.options.openai
	req := post(to.base+"/chat/completions", body, p)
	if to.key != "" {
		req.Header.Set("Authorization", "Bearer "+to.key)
	}
	return req
}

// post makes a request with what all upstreams are told. The URL was parsed before.
func post(address string, body map[string]any, p *payload) *http.Request {
	req, err := http.NewRequest(http.MethodPost, address, bytes.NewReader(encodeJSON(body)))
	if err != nil {
		panic(err)
	}
	// Without it nothing is sent a second time, not even after GOAWAY.
	req.GetBody = nil
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "text/event-stream")
	if p.requestID != "" {
		req.Header.Set("X-Request-Id", p.requestID)
	}
	if p.testPattern != "" {
		req.Header.Set("X-Test-Pattern", p.testPattern)
	}
	return req
}
