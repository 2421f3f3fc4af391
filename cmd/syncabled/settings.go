package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/alecthomas/kong"

	"syncabled/server/jwtauth"
)

// A source is where the value of a flag comes from.
type source string

const (
	fromFlag        source = "flag"
	fromEnvironment source = "environment"
	fromFile        source = "file"
	fromDefault     source = "default"
)

// settings give flags that are not on the command line a value: that of their
// environment variable, or the one in the file that --config names. An empty
// variable counts as unset.
type settings struct {
	env    func(string) string
	source map[string]source

	file    map[string]any // by name of the flag; nil until it is read
	fileErr error
}

func newSettings(env func(string) string) *settings {
	return &settings{env: env, source: map[string]source{}}
}

// configFlag is the flag that names the file.
const configFlag = "config"

// Resolve implements [kong.Resolver].
func (s *settings) Resolve(ctx *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if flag.Name == "help" {
		return nil, nil
	}
	if s.file == nil {
		s.fileErr = s.read(ctx)
	}
	if value := s.env(variable(flag.Name)); value != "" {
		s.source[flag.Name] = fromEnvironment
		return value, nil
	}
	if value, ok := s.file[flag.Name]; ok {
		s.source[flag.Name] = fromFile
		return value, nil
	}
	return nil, nil
}

// Validate implements [kong.Resolver]. It returns what is wrong with the file.
func (s *settings) Validate(*kong.Application) error { return s.fileErr }

// variable returns the environment variable of a flag.
func variable(flag string) string {
	return "SYNCABLED_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// read reads the file that the command line, or the environment, names.
func (s *settings) read(ctx *kong.Context) error {
	s.file = map[string]any{}
	path := s.env(variable(configFlag))
	for _, p := range ctx.Path {
		if p.Flag != nil && p.Flag.Name == configFlag {
			path = fmt.Sprint(ctx.FlagValue(p.Flag))
		}
	}
	if path == "" {
		return nil
	}
	values, err := readConfig(path)
	if err != nil {
		return err
	}
	known := serveFlags(ctx.Model)
	for _, name := range slices.Sorted(maps.Keys(values)) {
		flag, ok := known[name]
		if !ok || name == configFlag || name == "print-config" {
			return fmt.Errorf("%s: %q is no setting; those are the flags of 'syncabled serve --help', without the --", path, name)
		}
		if s.file[name], err = textOf(flag, values[name]); err != nil {
			return fmt.Errorf("%s: %s: %w", path, name, err)
		}
	}
	return nil
}

func readConfig(path string) (map[string]any, error) {
	var values map[string]any
	_, err := toml.DecodeFile(path, &values)
	if wrong := (toml.ParseError{}); errors.As(err, &wrong) {
		return nil, fmt.Errorf("%s: line %d: %s", path, wrong.Position.Line, wrong.Message)
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w; --config names the file with settings", err)
	}
	return values, err
}

// serveFlags returns the flags of the command serve, which are the settings.
func serveFlags(model *kong.Application) map[string]*kong.Flag {
	flags := map[string]*kong.Flag{}
	for _, node := range model.Children {
		if node.Name == "serve" {
			for _, flag := range node.Flags {
				flags[flag.Name] = flag
			}
		}
	}
	return flags
}

// textOf returns a value of the file as it would stand on the command line.
func textOf(flag *kong.Flag, value any) (any, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case bool:
		if flag.IsBool() {
			return v, nil
		}
	case int64:
		return fmt.Sprint(v), nil
	case []any:
		if !flag.IsSlice() {
			return nil, errors.New("it takes one value, not a list")
		}
		var items []string
		for _, item := range v {
			text, ok := item.(string)
			if !ok {
				return nil, fmt.Errorf("%v in the list is no text in quotes", item)
			}
			items = append(items, text)
		}
		return strings.Join(items, ","), nil
	}
	return nil, fmt.Errorf("%v is neither a text in quotes nor a whole number", value)
}

// sources returns where each flag of a command line got its value from.
func (s *settings) sources(ctx *kong.Context) map[string]source {
	sources := maps.Clone(s.source)
	for _, p := range ctx.Path {
		if p.Flag != nil && !p.Resolved {
			sources[p.Flag.Name] = fromFlag
		}
	}
	return sources
}

// appendSettings appends what flags are set to, as a file for --config, with the
// source of each value. Of values of flags with the tag secret nothing is shown, and
// of those that are URLs (secret:"url") only what is no secret.
func appendSettings(out []byte, flags []*kong.Flag, sources map[string]source) []byte {
	for _, flag := range flags {
		if flag.Hidden || flag.Name == "help" || flag.Name == configFlag || flag.Name == "print-config" {
			continue
		}
		from, ok := sources[flag.Name]
		if !ok {
			from = fromDefault
		}
		comment, value, shown := "", settingOf(flag.Target), shownOf(flag)
		switch {
		case flag.Target.IsZero() && from == fromDefault:
			comment = "# "
		case shown != value:
			comment, value = "# ", shown
		}
		out = fmt.Appendf(out, "%s%s = %s # %s\n", comment, flag.Name, value, from)
	}
	return out
}

// shownOf returns what may be shown of the value of a flag.
func shownOf(flag *kong.Flag) string {
	switch {
	case flag.Tag.Get("secret") == "url":
		return quote(jwtauth.RedactURL(flag.Target.String()))
	case flag.Tag.Has("secret"):
		return `"(secret)"`
	}
	return settingOf(flag.Target)
}

// settingOf returns a value as it is written in the file.
func settingOf(value reflect.Value) string {
	switch {
	case value.Kind() == reflect.Slice:
		var items []string
		for i := range value.Len() {
			items = append(items, settingOf(value.Index(i)))
		}
		return "[" + strings.Join(items, ", ") + "]"
	case value.Kind() == reflect.Bool, value.Type() == reflect.TypeFor[count]():
		return fmt.Sprint(value.Interface())
	}
	return quote(fmt.Sprint(value.Interface()))
}

// quote returns a text as TOML has it.
func quote(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range text {
		switch {
		case c == '"', c == '\\':
			b.WriteByte('\\')
			b.WriteRune(c)
		case c < ' ', c == 0x7f:
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			b.WriteRune(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
