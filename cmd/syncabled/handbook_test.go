package main

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the tables of the handbook anew")

const (
	handbook   = top + "/docs/operating.md"
	tableBegin = "<!-- flags: go test ./cmd/syncabled -run Handbook -update -->\n"
	tableEnd   = "<!-- end of flags -->\n"
)

// The handbook has every flag, with its default and its help.
func TestHandbookHasEveryFlag(t *testing.T) {
	text := readHandbook(t)
	before, rest, ok := strings.Cut(text, tableBegin)
	table, after, closed := strings.Cut(rest, tableEnd)
	if !ok || !closed {
		t.Fatalf("%s has no place for the flags", handbook)
	}
	want := flagTables()
	if *update {
		if err := os.WriteFile(handbook, []byte(before+tableBegin+want+tableEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, table); diff != "" {
		t.Errorf("flags in %s (-want +got); -update writes them anew:\n%s", handbook, diff)
	}
}

func flagTables() string {
	var b strings.Builder
	model := newParser(new(commands), newSettings(func(string) string { return "" })).Model
	flagTable(&b, "Every command", model.Flags)
	for _, command := range model.Leaves(true) {
		flagTable(&b, "syncabled "+command.Path(), command.Flags)
	}
	return b.String()
}

func flagTable(b *strings.Builder, title string, flags []*kong.Flag) {
	rows := 0
	for _, flag := range flags {
		if flag.Hidden || flag.Name == "help" {
			continue
		}
		if rows++; rows == 1 {
			fmt.Fprintf(b, "\n**%s**\n\n| flag | default | what |\n|---|---|---|\n", title)
		}
		help := strings.NewReplacer(" (${default})", "", "|", `\|`, "*", `\*`).Replace(flag.Help)
		byDefault := ""
		if flag.HasDefault {
			byDefault = "`" + flag.Default + "`"
		}
		fmt.Fprintf(b, "| `--%s` | %s | %s |\n", flag.Name, byDefault, help)
	}
	if rows > 0 {
		b.WriteByte('\n')
	}
}

// errorRow is a row of the table of errors: what is in code in its first column
// stands in the source of the program.
var errorRow = regexp.MustCompile("(?m)^\\| `([^`]+)` \\|")

// What the handbook calls an error is one.
func TestHandbookErrorsAreThoseOfTheProgram(t *testing.T) {
	_, errors, ok := strings.Cut(readHandbook(t), "\n## Errors and their fixes\n")
	if !ok {
		t.Fatal("no such chapter")
	}
	errors, _, _ = strings.Cut(errors, "\n## ")
	rows := errorRow.FindAllStringSubmatch(errors, -1)
	if len(rows) < 10 {
		t.Fatalf("%d errors were found, that is too few", len(rows))
	}
	source := sourceOfProgram(t)
	for _, row := range rows {
		if !strings.Contains(source, row[1]) {
			t.Errorf("no part of the program says %q", row[1])
		}
	}
}

// sourceOfProgram returns what the program is made of, without its tests.
func sourceOfProgram(t *testing.T) string {
	var all strings.Builder
	for _, folder := range []string{"cmd/syncabled", "server", "revlog"} {
		err := filepath.WalkDir(filepath.Join(top, folder), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			all.Write(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}

func readHandbook(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(handbook)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
