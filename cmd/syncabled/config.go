package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/alecthomas/kong"
)

// A config is the file that --config names: settings in TOML, without headings.
type config struct {
	path  string
	lines []string
	flags map[string]*kong.Flag // that the file can set
}

// A configured is a value of the file, as it would be on the command line.
type configured struct {
	value any
	place string // where it is: "FILE: line 1: NAME"
}

// A settingError is an error in a value that was not on the command line. It names the
// place of the value, where kong would name a flag that nobody has typed.
type settingError struct {
	place string
	err   error
}

func (e *settingError) Error() string { return e.place + ": " + e.err.Error() }

func (e *settingError) Unwrap() error { return e.err }

// readConfig returns the settings of a file by name.
func readConfig(path string, flags map[string]*kong.Flag) (map[string]configured, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, explainConfig(path, err)
	}
	c := config{path, strings.Split(string(text), "\n"), flags}
	var values map[string]any
	_, err = toml.Decode(string(text), &values)
	if wrong := (toml.ParseError{}); errors.As(err, &wrong) {
		return nil, c.syntaxError(wrong)
	}
	if err != nil {
		return nil, &settingError{path, err}
	}
	settings := map[string]configured{}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		line := c.lineOf(name)
		flag, err := c.flag(line, name, values[name])
		if err != nil {
			return nil, err
		}
		value, err := c.textOf(flag, line, values[name])
		if err != nil {
			return nil, c.errorAt(line, name, err)
		}
		settings[name] = configured{value, c.place(line, name)}
	}
	return settings, nil
}

// explainConfig adds to an error of reading the file what mends it.
func explainConfig(path string, err error) error {
	if wrapped := (*os.PathError)(nil); errors.As(err, &wrapped) {
		err = wrapped.Err // it names the path, too
	}
	info, statErr := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		err = fmt.Errorf("%w; --config names the file with settings", err)
	case statErr == nil && info.IsDir():
		err = errors.New("it is a folder; --config names the file with settings")
	case errors.Is(err, os.ErrPermission):
		err = fmt.Errorf("%w; let the user that runs syncabled read it", err)
	}
	return &settingError{path, err}
}

// flag returns the flag that a line of the file sets.
func (c config) flag(line int, name string, value any) (*kong.Flag, error) {
	flag, ok := c.flags[name]
	switch {
	case isTable(value) && strings.HasPrefix(strings.TrimSpace(c.line(line)), "["):
		return nil, c.errorAt(line, "", errHeading)
	case ok:
		return flag, nil
	}
	typed := strings.TrimLeft(strings.ReplaceAll(strings.ToLower(name), "_", "-"), "-")
	typed = strings.TrimPrefix(typed, "syncabled-")
	near := nearest(typed, slices.Sorted(maps.Keys(c.flags)))
	if near == "" {
		return nil, c.errorAt(line, "", fmt.Errorf("%q is not a setting; those are the flags of 'syncabled serve --help', without the --", name))
	}
	return nil, c.errorAt(line, "", fmt.Errorf("%q is not a setting; did you mean %s? 'syncabled serve --help' lists them", name, near))
}

// isTable reports whether a value is what follows a heading.
func isTable(value any) bool {
	switch value.(type) {
	case map[string]any, []map[string]any:
		return true
	}
	return false
}

// textOf returns a value of the file as it would stand on the command line.
func (c config) textOf(flag *kong.Flag, line int, value any) (any, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case bool:
		if flag.IsBool() {
			return v, nil
		}
	case int64:
		if !takesText(flag) {
			return fmt.Sprint(v), nil
		}
	case []any:
		return listOf(flag, v)
	case map[string]any, []map[string]any:
		return nil, errors.New("it takes a value, not a table")
	}
	return nil, bareValue(flag, c.rawValue(line)) // a number, a date, true or false
}

// takesText reports whether any text is a value of a flag, so that a number has to be
// in quotes: 0x10 and 1_000 would not be what was written.
func takesText(flag *kong.Flag) bool {
	kind := flag.Target.Type()
	if flag.IsSlice() {
		kind = kind.Elem()
	}
	return kind.Kind() == reflect.String
}

func listOf(flag *kong.Flag, list []any) (any, error) {
	if !flag.IsSlice() {
		return nil, errors.New("it takes one value, not a list")
	}
	var items []string
	for _, item := range list {
		text, ok := item.(string)
		if !ok {
			return nil, fmt.Errorf("put each value in quotes: %s = [%q, ...]", flag.Name, fmt.Sprint(item))
		}
		items = append(items, strings.ReplaceAll(text, ",", `\,`))
	}
	return strings.Join(items, ","), nil
}

// check returns what is wrong with a value for a flag, as kong would find.
func check(flag *kong.Flag, value any) error {
	target := reflect.New(flag.Target.Type()).Elem()
	scan := kong.Scan().PushTyped(value, kong.FlagValueToken)
	if err := flag.Mapper.Decode(&kong.DecodeContext{Value: flag.Value, Scan: scan}, target); err != nil {
		return err
	}
	if flag.Enum == "" || slices.Contains(flag.EnumSlice(), fmt.Sprint(value)) {
		return nil
	}
	choices := strings.Join(flag.EnumSlice(), ", ")
	if near := nearest(fmt.Sprint(value), flag.EnumSlice()); near != "" {
		return fmt.Errorf("%q is none of %s; did you mean %s?", value, choices, near)
	}
	return fmt.Errorf("%q is none of %s", value, choices)
}

// line returns the line with a number, which begins at 1.
func (c config) line(number int) string {
	if number < 1 || number > len(c.lines) {
		return ""
	}
	return c.lines[number-1]
}

// lineOf returns the number of the first line that sets a name or is its heading, 0 if
// there is none.
func (c config) lineOf(name string) int {
	form := regexp.MustCompile(`^(\x{FEFF})?\s*\[*\s*["']?` + regexp.QuoteMeta(name) + `["']?\s*[=.\]]`)
	return slices.IndexFunc(c.lines, form.MatchString) + 1
}

// rawValue returns what is written behind the = of a line.
func (c config) rawValue(line int) string {
	_, raw, _ := strings.Cut(c.line(line), "=")
	return withoutComment(raw)
}

// place names a place of the file: a line of it, and a setting there.
func (c config) place(line int, name string) string {
	place := c.path
	if line > 0 {
		place += fmt.Sprintf(": line %d", line)
	}
	if name != "" {
		place += ": " + name
	}
	return place
}

func (c config) errorAt(line int, name string, err error) error {
	return &settingError{c.place(line, name), err}
}
