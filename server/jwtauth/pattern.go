package jwtauth

import (
	"fmt"
	"strings"

	"syncabled/revlog"
)

// A pattern is what is before, between and after its stars.
type pattern []string

func newPattern(text string) pattern { return strings.Split(text, "*") }

func (p pattern) String() string { return strings.Join(p, "*") }

func (p pattern) matches(name string) bool {
	rest, ok := strings.CutPrefix(name, p[0])
	if len(p) == 1 {
		return ok && rest == ""
	}
	for _, part := range p[1 : len(p)-1] {
		i := strings.Index(rest, part)
		if i < 0 {
			return false
		}
		rest = rest[i+len(part):]
	}
	return ok && strings.HasSuffix(rest, p[len(p)-1])
}

const nameRule = "names have " + revlog.NameRule

// impossible says what to do about names that break the rule.
const impossible = "no database can be called so: " + nameRule + "; in --jwt-databases, {sub:slug} makes such a name of any sub"

// isPossible reports whether the name of a database can match.
func (p pattern) isPossible() bool {
	shortest := strings.Join(p, "")
	return revlog.ValidName(shortest) || len(p) > 1 && p[0] == "" && revlog.ValidName("a"+shortest)
}

// CheckPattern says what is wrong with a pattern, such as one of the claim db, that
// the name of no database matches.
func CheckPattern(text string) error {
	if !newPattern(text).isPossible() {
		return fmt.Errorf("no database can be called %q: %s", text, nameRule)
	}
	return nil
}
