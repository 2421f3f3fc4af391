package server_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/google/go-cmp/cmp"
)

// Names are the values that the names of a script stand for, as JSON.
type names map[string]string

// fill puts values in place of the names in a frame that is to be sent.
func (n names) fill(frame string) string {
	for name, value := range n {
		frame = strings.ReplaceAll(frame, `"`+name+`"`, value)
	}
	return frame
}

// hide puts names in place of their values in a message that was received. Only
// strings are distinct enough for that.
func (n names) hide(message string) string {
	for name, value := range n {
		if strings.HasPrefix(value, `"`) {
			message = strings.ReplaceAll(message, value, `"`+name+`"`)
		}
	}
	return message
}

// match compares a message with what is expected, and binds the names that are
// new. It returns what differs, and then binds nothing.
func (n names) match(expected, message string) string {
	want, err := parseJSON(expected)
	if err != nil {
		return fmt.Sprintf("the expectation is not JSON: %v", err)
	}
	got, err := parseJSON(message)
	if err != nil {
		return fmt.Sprintf("the message is not JSON: %v", err)
	}
	bound := maps.Clone(n)
	if diff := cmp.Diff(bound.resolve(want, got), got); diff != "" {
		return diff
	}
	maps.Copy(n, bound)
	return ""
}

// resolve puts values in place of the names in an expectation; a new name gets
// the value that stands at its place in the message.
func (n names) resolve(want, got any) any {
	switch want := want.(type) {
	case string:
		if !strings.HasPrefix(want, "$") {
			return want
		}
		if value, ok := n[want]; ok {
			known, _ := parseJSON(value)
			return known
		}
		if value, err := json.Marshal(got); err == nil && got != nil {
			n[want] = string(value)
			return got
		}
	case []any:
		others, _ := got.([]any)
		for i := range want {
			want[i] = n.resolve(want[i], at(others, i))
		}
	case map[string]any:
		others, _ := got.(map[string]any)
		for name := range want {
			want[name] = n.resolve(want[name], others[name])
		}
	}
	return want
}

func at(list []any, i int) any {
	if i < len(list) {
		return list[i]
	}
	return nil
}

// parseJSON reads JSON so that texts of the same meaning are equal. Numbers stay
// as they are written.
func parseJSON(text string) (any, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		return nil, err
	}
	if d.More() {
		return nil, fmt.Errorf("more follows: %s", text)
	}
	return value, nil
}
