// The Unix socket that the web server connects to.

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"
)

// unlinker closes a listener and removes its socket file, but never one that is not its own.
type unlinker struct {
	*net.UnixListener
	path string
	own  os.FileInfo
}

// listen binds a SOCK_SEQPACKET socket: one message is one hand-off, with no framing to agree on.
func listen(path string, mode os.FileMode) (*unlinker, error) {
	if err := removeStale(path); err != nil {
		return nil, err
	}
	// Nobody may connect between bind and chmod.
	before := syscall.Umask(0o777)
	listener, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: path, Net: "unixpacket"})
	syscall.Umask(before)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", path, cause(err))
	}
	listener.SetUnlinkOnClose(false)
	own, err := os.Lstat(path)
	if err == nil {
		err = os.Chmod(path, mode)
	}
	if err != nil {
		listener.Close()
		return nil, fmt.Errorf("cannot listen on %s: %w", path, cause(err))
	}
	return &unlinker{listener, path, own}, nil
}

// Close stops listening. A successor may have replaced the file meanwhile: that one stays.
func (u *unlinker) Close() error {
	if now, err := os.Lstat(u.path); err == nil && os.SameFile(u.own, now) {
		os.Remove(u.path)
	}
	return u.UnixListener.Close()
}

// removeStale removes a socket file that a dead process left behind.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w", path, cause(err))
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("cannot listen on %s: it exists and is not a socket", path)
	}
	peer, err := net.Dial("unixpacket", path)
	if err == nil {
		peer.Close()
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		// Connected, or refused for another reason: EPROTOTYPE is a living socket of another type.
		return fmt.Errorf("cannot listen on %s: another process listens there", path)
	}
	return os.Remove(path)
}

// cause is the system's own words, without the operation and the path that our message names.
func cause(err error) error {
	var number syscall.Errno
	if errors.As(err, &number) {
		return number
	}
	return err
}
