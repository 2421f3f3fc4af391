package revlog

import (
	"fmt"
	"math"
	"os"
	"syscall"
)

// residentFiles returns how many bytes of files the process has in memory: more than
// anything, if the system does not say.
func residentFiles() int {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return math.MaxInt
	}
	var all, resident, ofFiles int // pages
	if _, err := fmt.Sscan(string(text), &all, &resident, &ofFiles); err != nil {
		return math.MaxInt
	}
	return ofFiles * os.Getpagesize()
}

// releasePages takes pages of a mapped file out of the memory of the process. They
// keep what they hold: the map is read only.
func releasePages(start, size uintptr) error {
	_, _, errno := syscall.Syscall(syscall.SYS_MADVISE, start, size, syscall.MADV_DONTNEED)
	if errno != 0 {
		return errno
	}
	return nil
}
