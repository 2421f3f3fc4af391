package revlog

import "syscall"

// releasePages takes pages of a mapped file out of the memory of the process. They
// keep what they hold: the map is read only.
func releasePages(start, size uintptr) error {
	_, _, errno := syscall.Syscall(syscall.SYS_MADVISE, start, size, syscall.MADV_DONTNEED)
	if errno != 0 {
		return errno
	}
	return nil
}
