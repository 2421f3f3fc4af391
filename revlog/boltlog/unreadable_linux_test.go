package boltlog

import (
	"cmp"
	"os"
	"syscall"

	"go.etcd.io/bbolt"
)

func init() {
	makeUnreadable = func(bolt *bbolt.DB, pages int) error {
		info, err := os.Stat(bolt.Path())
		if err != nil {
			return err
		}
		size := uintptr(cmp.Or(pages, int(info.Size())/os.Getpagesize()) * os.Getpagesize())
		if _, _, errno := syscall.Syscall(syscall.SYS_MPROTECT, bolt.Info().Data, size, syscall.PROT_NONE); errno != 0 {
			return errno
		}
		return nil
	}
}
