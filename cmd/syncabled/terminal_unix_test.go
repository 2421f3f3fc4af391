//go:build unix

package main

import (
	"errors"
	"os"
	"syscall"
)

// pollable returns a file that can be closed while it is read from, in place of
// one that cannot.
func pollable(f *os.File) (*os.File, error) {
	fd, err := syscall.Dup(int(f.Fd()))
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	syscall.CloseOnExec(fd)
	err = errors.Join(syscall.SetNonblock(fd, true), f.Close())
	return os.NewFile(uintptr(fd), f.Name()), err
}
