package boltlog

import (
	"fmt"
	"regexp"
	"runtime"

	"syncabled/revlog"
)

// deviceForm matches the names that Windows gives to devices, in every folder and
// whatever comes after a dot: the file con.db is the console.
var deviceForm = regexp.MustCompile(`^(con|prn|aux|nul|com[1-9]|lpt[1-9])$`)

// checkDevice refuses a database with the name of a device. No system makes one,
// because a backup has to be restorable on every system. A file that exists is served
// where it is a file, which is everywhere but on Windows.
func checkDevice(name string, exists bool, system string) error {
	if !deviceForm.MatchString(name) || exists && system != "windows" {
		return nil
	}
	return fmt.Errorf("%w: %q cannot be the name of a database; choose another one", revlog.ErrDevice, name)
}

// CheckRestore returns an error if a database with that name cannot be restored on
// this system.
func CheckRestore(name string) error {
	if err := revlog.CheckName(name); err != nil {
		return err
	}
	return checkDevice(name, true, runtime.GOOS)
}
