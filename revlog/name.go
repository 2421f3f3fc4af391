package revlog

import (
	"fmt"
	"regexp"
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
