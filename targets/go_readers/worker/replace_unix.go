//go:build unix && !linux

package worker

import "syscall"

// replace puts the file of descriptor *from* in the place of descriptor *to*.
func replace(from, to int) error { return syscall.Dup2(from, to) }
