//go:build unix && !netbsd && !openbsd && !solaris && !illumos && !aix

package boltlog

import "syscall"

// freeSpace returns how many bytes are free on the disk that a path is on, for
// those who have no privileges.
func freeSpace(path string) (int64, error) {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(path, &disk); err != nil {
		return 0, err
	}
	return int64(disk.Bavail) * int64(disk.Bsize), nil
}
