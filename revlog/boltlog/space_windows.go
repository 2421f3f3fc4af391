package boltlog

import "golang.org/x/sys/windows"

// freeSpace returns how many bytes are free on the disk that a path is on, for
// the user that the program runs as.
func freeSpace(path string) (int64, error) {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return 0, err
	}
	var free uint64
	err = windows.GetDiskFreeSpaceEx(name, &free, nil, nil)
	return int64(free), err
}
