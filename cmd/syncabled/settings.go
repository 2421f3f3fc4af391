package main

import (
	"fmt"
	"maps"
	"reflect"
	"strings"

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

	file map[string]configured // by name of the flag; nil until it is read
}

func newSettings(env func(string) string) *settings {
	return &settings{env: env, source: map[string]source{}}
}

// configFlag is the flag that names the file.
const configFlag = "config"

// Resolve implements [kong.Resolver]. Flags that end the program by what they print
// have no setting.
func (s *settings) Resolve(ctx *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if flag.Name == "help" || flag.Name == "version" {
		return nil, nil
	}
	if name := variable(flag.Name); s.env(name) != "" {
		s.source[flag.Name] = fromEnvironment
		return checked(flag, s.env(name), name)
	}
	if flag.Name == configFlag {
		return nil, nil
	}
	if s.file == nil {
		if err := s.read(ctx); err != nil {
			return nil, err
		}
	}
	if setting, ok := s.file[flag.Name]; ok {
		s.source[flag.Name] = fromFile
		return checked(flag, setting.value, setting.place)
	}
	return nil, nil
}

// checked returns a value of a flag, or an error that names the place of the value.
func checked(flag *kong.Flag, value any, place string) (any, error) {
	if err := check(flag, value); err != nil {
		return nil, &settingError{place, err}
	}
	return value, nil
}

// Validate implements [kong.Resolver].
func (s *settings) Validate(*kong.Application) error { return nil }

// variable returns the environment variable of a flag.
func variable(flag string) string {
	return "SYNCABLED_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// read reads the file that the command line, or the environment, names.
func (s *settings) read(ctx *kong.Context) (err error) {
	path := s.env(variable(configFlag))
	for _, p := range ctx.Path {
		if p.Flag != nil && p.Flag.Name == configFlag {
			path = fmt.Sprint(ctx.FlagValue(p.Flag))
		}
	}
	s.file = map[string]configured{}
	if path != "" {
		flags := serveFlags(ctx.Model)
		delete(flags, "print-config")
		s.file, err = readConfig(path, flags)
	}
	return err
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
