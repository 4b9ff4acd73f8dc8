// The client's side: a whole HTTP/1.1 response on a socket that the web server gave away.

package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

const (
	writePiece = 16 << 10 // bytes within which a client must show that it still reads
	sendBuffer = 64 << 10 // bytes that the kernel holds for a slow one
	linger     = 100 * time.Millisecond
)

var errClientLeft = errors.New("the client left")

// client is who gets the response. Its context ends when the client leaves, or when we do.
type client struct {
	net.Conn
	ctx      context.Context
	cancel   context.CancelCauseFunc
	patience time.Duration
	watched  chan struct{}
}

func newClient(parent context.Context, conn net.Conn, patience time.Duration) *client {
	c := &client{Conn: conn, patience: patience, watched: make(chan struct{})}
	c.ctx, c.cancel = context.WithCancelCause(parent)
	if buffered, ok := conn.(interface{ SetWriteBuffer(int) error }); ok {
		buffered.SetWriteBuffer(sendBuffer) // else a slow reader is megabytes behind
	}
	go c.watch()
	return c
}

// watch reads until the client leaves. What it sends meanwhile has no meaning: its request was
// read by the web server.
func (c *client) watch() {
	defer close(c.watched)
	var scrap [512]byte
	for {
		if _, err := c.Read(scrap[:]); err != nil {
			c.cancel(errClientLeft)
			return
		}
	}
}

// close ends the response; the end of the connection is the end of its body. Closing a socket on
// which something unread has arrived would reset it and could take the end of our answer along,
// so what the client sends is read until it closes, too, or has had a moment to.
func (c *client) close() {
	if halves, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		halves.CloseWrite()
	}
	c.SetReadDeadline(time.Now().Add(linger))
	<-c.watched
	c.cancel(nil)
	c.Close()
}

// write sends at once. A client may be as slow as it likes, as long as it reads at all.
func (c *client) write(data []byte) error {
	for len(data) > 0 {
		piece := data[:min(len(data), writePiece)]
		c.SetWriteDeadline(time.Now().Add(c.patience))
		if _, err := c.Write(piece); err != nil {
			c.cancel(errClientLeft)
			return errClientLeft
		}
		data = data[len(piece):]
	}
	return nil
}

// startStream writes the head of an event stream.
func (c *client) startStream(extra []header) error {
	var head bytes.Buffer
	head.WriteString("HTTP/1.1 200 OK\r\n" +
		"Content-Type: text/event-stream\r\n" +
		"Cache-Control: no-cache\r\n" +
		"Connection: close\r\n" +
		"X-Accel-Buffering: no\r\n") // nginx in front of us passes events on at once
	for _, h := range extra {
		fmt.Fprintf(&head, "%s: %s\r\n", h.name, h.value)
	}
	head.WriteString("\r\n")
	return c.write(head.Bytes())
}

// refuse writes a whole response that says why there is no stream.
func (c *client) refuse(status int, kind string, body []byte) error {
	phrase := cmp.Or(http.StatusText(status), "Error")
	head := fmt.Sprintf("HTTP/1.1 %d %s\r\n"+
		"Content-Type: %s\r\n"+
		"Content-Length: %d\r\n"+
		"Connection: close\r\n\r\n", status, phrase, kind, len(body))
	return c.write(append([]byte(head), body...))
}

func (c *client) refuseJSON(status int, message string) error {
	return c.refuse(status, "application/json", encodeJSON(map[string]string{"error": message}))
}
