//go:build !windows && (!unix || netbsd || openbsd || solaris || illumos || aix)

package boltlog

import "errors"

// freeSpace says that it does not know.
func freeSpace(string) (int64, error) { return 0, errors.ErrUnsupported }
