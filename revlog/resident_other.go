//go:build !linux

package revlog

// residentFiles returns 0: elsewhere the system looks after it.
func residentFiles() int { return 0 }

// releasePages does nothing.
func releasePages(start, size uintptr) error { return nil }
