package server_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A special is a value that the client has and JSON cannot say: a Blob, of which the
// wire carries {}, a Date, of which it carries a string, or Infinity, of which it
// carries null. What comes back from the server is what JSON made of it.
type special struct {
	name string
	json string
}

// MarshalJSON returns what the wire carries.
func (s special) MarshalJSON() ([]byte, error) { return []byte(s.json), nil }

// newSpecial makes up a value that there has never been.
func (c *modelClient) newSpecial() special {
	c.tokens++
	n := fmt.Sprintf("%s%d", c.name, c.tokens)
	return pick(c.special,
		special{"Blob " + n, "{}"},
		special{"Date " + n, text("date " + n)},
		special{"Infinity", "null"})
}

// specialPaths lead to specials. Nobody sets a path below one: below a Blob that
// would change {} on the server, and nothing here.
var specialPaths = []string{"f", "f", "a.f", "a.x.f"}

// oneOf reports true once in n times, where specials are allowed.
func (c *modelClient) oneOf(n int) bool {
	return c.special != nil && c.special.IntN(n) == 0
}

// exact returns a text of a value that tells specials from what JSON makes of them.
func exact(value any) string {
	switch value := value.(type) {
	case missing:
		return "nothing"
	case special:
		return "<" + value.name + ">"
	case map[string]any:
		var b strings.Builder
		for i, name := range slices.Sorted(maps.Keys(value)) {
			fmt.Fprintf(&b, "%s%s:%s", separator(i), text(name), exact(value[name]))
		}
		return "{" + b.String() + "}"
	case []any:
		var b strings.Builder
		for i, v := range value {
			b.WriteString(separator(i) + exact(v))
		}
		return "[" + b.String() + "]"
	}
	return text(value)
}

func separator(i int) string {
	if i == 0 {
		return ""
	}
	return ","
}

// countSpecials returns how many specials a value holds.
func countSpecials(value any) (n int) {
	switch value := value.(type) {
	case special:
		return 1
	case map[string]any:
		for _, v := range value {
			n += countSpecials(v)
		}
	case []any:
		for _, v := range value {
			n += countSpecials(v)
		}
	}
	return n
}
