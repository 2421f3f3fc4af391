package revlog

import (
	"errors"
	"fmt"
	"regexp"
	"runtime"
)

var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

// NameRule says which names databases can have. Texts for people quote it.
const NameRule = "1 to 64 characters from a-z, 0-9, _ and -, the first a letter or digit"

// ValidName reports whether name can be that of a database, by [NameRule].
func ValidName(name string) bool { return nameForm.MatchString(name) }

// CheckName returns an error that states the rule if name cannot be that of a
// database.
func CheckName(name string) error {
	if ValidName(name) {
		return nil
	}
	return fmt.Errorf("%q is not the name of a database: %s", name, NameRule)
}

// ErrDevice is wrapped by the error for a new database with the name of a device.
var ErrDevice = errors.New("name of a device on Windows")

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
	return fmt.Errorf("%w: %q cannot be the name of a database; choose another one", ErrDevice, name)
}

// CheckRestore returns an error if a database with that name cannot be restored on
// this system.
func CheckRestore(name string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	return checkDevice(name, true, runtime.GOOS)
}
