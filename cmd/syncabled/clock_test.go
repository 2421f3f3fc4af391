package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// dates are the functions that may turn a time into a date, or a date into a time, and
// why. Everywhere else times keep their monotonic reading, with which Go measures
// durations. What is measured by the time of day is wrong by any jump of the clock.
var dates = map[string]string{
	"cmd/syncabled/token.go Run":                  "the end of a token is a date, which is printed",
	"cmd/syncabled/token.go claims":               "iat and exp of a token are dates",
	"revlog/fold/clients.go touch":                "the hour in which a client was last seen is stored",
	"revlog/boltlog/lastbackup.go NoteBackup":     "the date of a backup is stored",
	"revlog/boltlog/held.go note":                 "a held set has a date beside its age",
	"revlog/boltlog/record.go encodePart":         "the date of a held message is stored",
	"revlog/boltlog/record.go decodePart":         "the date of a held message is stored",
	"revlog/boltlog/record.go receivedOf":         "the date of a held message is stored",
	"revlog/boltlog/record.go encodeRefused":      "the date of a refused change is stored",
	"revlog/boltlog/record.go decodeRefused":      "the date of a refused change is stored",
	"server/expiry.go limitTo":                    "the end of a grant is a date; what is left of it is measured by both clocks",
	"server/jwtauth/jwtauth.go timeOf":            "prints a date of a token",
	"server/jwtauth/claims.go date":               "exp, nbf and iat of a token are dates",
	"server/admin/collector.go Collect":           "shows the date at which the certificate expires",
	"server/admin/collector.go lastBackupSeconds": "shows the date of the last backup",
	"server/admin/status.go status":               "shows the date of the start",
	"server/admin/status.go sessionOf":            "shows the date at which a session began",
}

// strips are the functions and methods that lose the monotonic reading, or need none.
var strips = []string{"Unix", "UnixNano", "UnixMilli", "UnixMicro", "Until", "UTC", "Local", "AddDate", "Truncate"}

// TestDurationsAreMonotonic looks for what measures with the time of day.
func TestDurationsAreMonotonic(t *testing.T) {
	unused := maps.Clone(dates)
	for _, folder := range []string{"protocol", "conflict", "revlog", "server", "cmd/syncabled"} {
		err := filepath.WalkDir(filepath.Join("../..", folder), func(path string, _ fs.DirEntry, err error) error {
			name, isSource := strings.CutSuffix(path, ".go")
			if err != nil || !isSource || strings.HasSuffix(name, "_test") || strings.Contains(path, "revlogtest") {
				return err
			}
			found, err := datesIn(path)
			for _, f := range found {
				delete(unused, f.function)
				if dates[f.function] == "" {
					t.Errorf("%s: %s uses %s, which loses the monotonic reading; a duration is the difference of two times of time.Now, or of two moments", f.at, f.function, f.name)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, function := range slices.Sorted(maps.Keys(unused)) {
		t.Errorf("%s has no dates any more; take it off the list", function)
	}
}

// A date is a place where a time becomes a date, or the other way round.
type date struct {
	at       token.Position
	function string // file and name
	name     string // of what it calls
}

func datesIn(path string) (found []date, err error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, 0)
	if err != nil {
		return nil, err
	}
	short, err := filepath.Rel("../..", path)
	if err != nil {
		return nil, err
	}
	for _, decl := range file.Decls {
		name := ""
		if f, ok := decl.(*ast.FuncDecl); ok {
			name = f.Name.Name
		}
		ast.Inspect(decl, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if selector, ok := call.Fun.(*ast.SelectorExpr); ok && losesReading(selector.Sel.Name, call.Args) {
				function := fmt.Sprintf("%s %s", filepath.ToSlash(short), name)
				found = append(found, date{files.Position(call.Pos()), function, selector.Sel.Name})
			}
			return true
		})
	}
	return found, nil
}

// losesReading reports whether a call does. Round(0) of a time is for nothing else;
// other roundings are of durations.
func losesReading(name string, args []ast.Expr) bool {
	if name == "Round" && len(args) == 1 {
		zero, ok := args[0].(*ast.BasicLit)
		return ok && zero.Value == "0"
	}
	return slices.Contains(strips, name)
}
