package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/alecthomas/kong"
)

// This file says what is wrong with a line that is not TOML. That is mostly a value
// without quotes, which the library reports as an unexpected letter.

var (
	errNotASetting = errors.New(`a setting is written NAME = VALUE, such as listen = ":8080"; a comment begins with #`)
	errHeading     = errors.New("settings have no headings such as [serve]: delete that line")
	errNoValue     = errors.New("there is no value after the =; delete the line to have the default")
	errOpenQuote   = errors.New("the closing quote is missing")
	errBackslash   = errors.New(`in "..." a backslash begins an escape: put the value in single quotes, '...'`)
	errAfterValue  = errors.New("something follows the value: only a comment may, which begins with #")
	errListItem    = errors.New(`put each value of a list in quotes, with commas between them: ["a", "b"]`)
)

var settingName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

func (c config) syntaxError(wrong toml.ParseError) error {
	number := wrong.Position.Line
	line := strings.TrimPrefix(c.line(number), "\ufeff")
	if strings.HasSuffix(wrong.Message, "has already been defined.") {
		return c.errorAt(number, "", fmt.Errorf("%s is set twice, first in line %d", wrong.LastKey, c.lineOf(wrong.LastKey)))
	}
	if strings.Contains(wrong.Message, "UTF-") {
		return c.errorAt(number, "", errors.New(wrong.Message))
	}
	if strings.Contains(wrong.Message, "table name") { // the line with the [ may be the one before
		return c.errorAt(number, "", errHeading)
	}
	name, raw, isSetting := strings.Cut(line, "=")
	name = strings.Trim(strings.TrimSpace(name), `"'`)
	switch {
	case strings.HasPrefix(name, "[") && wrong.LastKey == "":
		return c.errorAt(number, "", errHeading)
	case (!isSetting || !settingName.MatchString(name)) && wrong.LastKey != "":
		return c.errorAt(number, wrong.LastKey, errListItem) // the list began in a line before
	case !isSetting || !settingName.MatchString(name):
		return c.errorAt(number, "", errNotASetting)
	}
	flag, err := c.flag(number, name, nil)
	if err != nil {
		return err
	}
	return c.errorAt(number, name, valueError(flag, withoutComment(raw), wrong.Message))
}

// valueError says what is wrong with a value that is not TOML.
func valueError(flag *kong.Flag, raw, message string) error {
	if raw == "" {
		return errNoValue
	}
	if raw[0] != '"' && raw[0] != '\'' {
		return bareValue(flag, raw)
	}
	switch {
	case strings.Contains(message, "escape"), strings.Contains(message, "hexadecimal"):
		return errBackslash
	case strings.Contains(message, "unexpected EOF"), strings.Contains(message, "cannot contain newlines"):
		return errOpenQuote
	case flag.IsSlice() && strings.Contains(message, "','"):
		return errListItem
	}
	return errAfterValue
}

// bareValue says what is wrong with a value that is not in quotes: what it would be
// wrong with in quotes, too, or that they are missing.
func bareValue(flag *kong.Flag, raw string) error {
	text, quoted := bare(raw), quote(bare(raw))
	if strings.HasPrefix(raw, "[") && !flag.IsSlice() {
		return errors.New("it takes one value, not a list")
	}
	if flag.IsSlice() {
		var items, quotes []string
		for item := range strings.SplitSeq(strings.Trim(raw, "[] "), ",") {
			items, quotes = append(items, bare(item)), append(quotes, quote(bare(item)))
		}
		text, quoted = strings.Join(items, ","), "["+strings.Join(quotes, ", ")+"]"
		if strings.Contains(text, `"`) {
			return errListItem
		}
	}
	if err := check(flag, text); err != nil {
		return err
	}
	if flag.IsBool() {
		return errors.New("it is true or false, without quotes")
	}
	if isSecret(flag, text) {
		quoted = `"..."`
	}
	return fmt.Errorf("put it in quotes: %s = %s", flag.Name, quoted)
}

// bare returns a text without quotes, those of a word processor too.
func bare(text string) string { return strings.Trim(text, " \t\r\"'“”„‘’") }

// isSecret reports whether a value must not be shown, because the log would keep it: a
// secret, or a URL with a password.
func isSecret(flag *kong.Flag, text string) bool {
	return flag.Tag.Has("secret") || strings.Contains(text, "@")
}

// withoutComment returns what is before a comment.
func withoutComment(text string) string {
	if i := strings.Index(text, " #"); i >= 0 {
		text = text[:i]
	}
	return strings.TrimSpace(text)
}
