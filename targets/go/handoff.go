// One hand-off: a message with a socket comes in, a response goes out.

package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"
)

const (
	maxMessage = 1 << 20 // bytes of a payload; the kernel's default allows about 208 KiB
	maxFds     = 253     // SCM_MAX_FD: room for all, so that none is lost unseen
	peerIdle   = 10 * time.Second
)

// daemon is what all hand-offs share.
type daemon struct {
	options  *options
	upstream *upstream
	counters counters
}

// handOff serves one connection of the web server.
func (d *daemon) handOff(ctx context.Context, peer *net.UnixConn) {
	message, truncated, fds, err := receive(ctx, peer)
	peer.Close() // the web server does not wait for a reply
	var conn net.Conn
	if err == nil {
		conn, err = takeSocket(fds)
	}
	if errors.Is(err, errSaidNothing) {
		return // somebody looked whether we are there
	}
	if err != nil {
		d.counters.refused.Add(1)
		log.Printf("hand-off refused: %v", err)
		return
	}
	d.counters.started()
	defer d.counters.ended()
	to := newClient(ctx, conn, d.options.clientIdle)
	defer to.close()

	if truncated {
		d.counters.errors.Add(1)
		to.refuseJSON(http.StatusRequestEntityTooLarge, "the payload is too large")
		return
	}
	p, err := parsePayload(message, d.options.dataDir)
	if err == nil {
		err = d.answer(p, to)
	} else if plain := refusal(""); errors.As(err, &plain) {
		to.refuse(http.StatusBadRequest, "text/plain; charset=utf-8", []byte(plain))
	} else {
		to.refuseJSON(http.StatusBadRequest, err.Error())
	}
	if err != nil && !errors.Is(err, errClientLeft) {
		d.counters.errors.Add(1)
		d.complain(p, err)
	}
}

// answer calls the upstream and relays what it says. An error was told to the client already.
func (d *daemon) answer(p *payload, to *client) error {
	relay := relayChat
	var req *http.Request
	var err error
	if cmp.Or(p.backend, d.options.backend) == "langgraph" {
		relay = proxy
		req, err = d.upstream.graphRequest(p)
	} else {
		req = d.upstream.chatRequest(p)
	}
	var from *call
	if err == nil {
		from, err = d.upstream.open(to.ctx, req)
	}
	if err != nil {
		var failed *failure
		if errors.As(err, &failed) {
			to.refuseJSON(failed.status, failed.message)
		}
		return d.unlessLeft(to, err)
	}
	defer from.close()
	if err := to.startStream(p.extraHeaders); err != nil {
		return err
	}
	return d.unlessLeft(to, relay(from, to))
}

// unlessLeft is err, or that the client left where that is what made the call fail.
func (d *daemon) unlessLeft(to *client, err error) error {
	if err != nil && errors.Is(context.Cause(to.ctx), errClientLeft) {
		return errClientLeft
	}
	return err
}

// relayChat tells the client each event as soon as it is whole. [DONE] is told only when the
// upstream said it; every other end is an error.
func relayChat(from *call, to *client) error {
	var reader sseReader
	buffer := make([]byte, 32<<10)
	var out []byte
	for {
		n, err := from.Read(buffer)
		events, tooLarge := reader.read(buffer[:n])
		if tooLarge != nil {
			err = tooLarge
		}
		out = out[:0]
		over := false
		for _, e := range events {
			if out, over = tell(out, e); over {
				return to.write(out)
			}
		}
		if err != nil {
			out = appendError(out, why(err))
		}
		if failed := to.write(out); failed != nil || err != nil {
			return errors.Join(err, failed)
		}
	}
}

// why is what the client is told about a stream that stopped without [DONE].
func why(err error) string {
	switch {
	case errors.Is(err, errEventTooLarge), errors.Is(err, errSilent), errors.Is(err, errShutdown):
		return err.Error()
	case ended(err):
		return "upstream ended before [DONE]"
	}
	return "upstream ended before [DONE]: " + clip(err.Error())
}

// ended tells whether a body came to the end that its framing announced.
func ended(err error) bool { return err == io.EOF }

// complain logs one line. It holds nothing that client, payload or upstream wrote.
func (d *daemon) complain(p *payload, err error) {
	said := "stream broke off"
	var failed *failure
	switch {
	case errors.As(err, &failed):
		said = failed.logged
	case p == nil:
		said = "bad payload"
	}
	if p != nil && p.userID != "" {
		said += ", user " + p.userID
	}
	log.Printf("hand-off failed: %s", said)
}

// receive reads the one message of a connection and the descriptors that came with it.
func receive(ctx context.Context, peer *net.UnixConn) (message []byte, truncated bool, fds []int, err error) {
	// A web server that connects and says nothing holds nobody else up, and not for ever.
	peer.SetReadDeadline(time.Now().Add(peerIdle))
	defer context.AfterFunc(ctx, func() { peer.SetReadDeadline(time.Now()) })()
	size, err := nextSize(peer)
	if err != nil {
		return nil, false, nil, err
	}
	message = make([]byte, min(size, maxMessage))
	control := make([]byte, syscall.CmsgSpace(4*maxFds))
	// Go sets MSG_CMSG_CLOEXEC. An empty message looks like the end of the stream, but for what
	// travels with it.
	n, controlSize, flags, _, err := peer.ReadMsgUnix(message, control)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, false, nil, err
	}
	parsed, err := syscall.ParseSocketControlMessage(control[:controlSize])
	if err != nil {
		return nil, false, nil, err
	}
	for _, one := range parsed {
		if rights, err := syscall.ParseUnixRights(&one); err == nil {
			fds = append(fds, rights...)
		}
	}
	if n == 0 && len(fds) == 0 {
		return nil, false, nil, errSaidNothing
	}
	return message[:n], flags&syscall.MSG_TRUNC != 0, fds, nil
}

// nextSize waits for a message and tells its size, so that a buffer is made only when it is needed.
func nextSize(peer *net.UnixConn) (size int, err error) {
	raw, err := peer.SyscallConn()
	if err != nil {
		return 0, err
	}
	waited := raw.Read(func(fd uintptr) bool {
		size, _, _, _, err = syscall.Recvmsg(int(fd), nil, nil, syscall.MSG_PEEK|syscall.MSG_TRUNC)
		return err != syscall.EAGAIN && err != syscall.EINTR
	})
	if waited != nil {
		err = errSaidNothing // the deadline
	}
	return size, err
}

var (
	errSaidNothing = errors.New("nothing came")
	errNoSocket    = errors.New("no socket came with the message")
	errNotASocket  = errors.New("what came with the message is no connected stream socket")
)

// takeSocket makes a connection of the first descriptor and closes the others.
func takeSocket(fds []int) (net.Conn, error) {
	if len(fds) == 0 {
		return nil, errNoSocket
	}
	for _, extra := range fds[1:] {
		syscall.Close(extra)
	}
	file := os.NewFile(uintptr(fds[0]), "client")
	defer file.Close() // FileConn works on a copy
	if !isConnectedStream(fds[0]) {
		return nil, errNotASocket
	}
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, errNotASocket
	}
	return conn, nil
}

func isConnectedStream(fd int) bool {
	kind, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_TYPE)
	if err != nil || kind != syscall.SOCK_STREAM {
		return false
	}
	_, err = syscall.Getpeername(fd)
	return err == nil // a listener has no peer
}
