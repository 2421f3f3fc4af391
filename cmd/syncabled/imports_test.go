package main

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// floors are the packages of this module, each above those that it may import,
// with the libraries that it may import; nil means any. A package that is not
// listed stands with the one whose path begins its own.
var floors = []struct {
	path      string
	libraries []string
}{
	{"syncabled/protocol", []string{}},
	{"syncabled/conflict", []string{}},
	{"syncabled/revlog", []string{}},
	{"syncabled/revlog/fold", []string{}},
	{"syncabled/revlog/revlogtest", nil},
	{"syncabled/revlog/boltlog/boltcheck", []string{}},
	{"syncabled/revlog/boltlog", []string{
		"github.com/bits-and-blooms/bloom/v3",
		"github.com/gofrs/flock",
		"github.com/google/uuid",
		"github.com/tidwall/btree",
		"go.etcd.io/bbolt",
		"golang.org/x/sys/windows",
	}},
	{"syncabled/server", []string{
		"github.com/coder/websocket",
		"github.com/google/uuid",
		"github.com/rs/zerolog",
		"golang.org/x/net/publicsuffix",
		"golang.org/x/sync/semaphore",
		"golang.org/x/sys/unix",
		"golang.org/x/time",
	}},
	{"syncabled/server/jwtauth", []string{
		"github.com/MicahParks/jwkset",
		"github.com/golang-jwt/jwt/v5",
		"golang.org/x/sync/singleflight",
	}},
	{"syncabled/server/admin", []string{
		"github.com/prometheus/client_golang",
	}},
	{programs, nil},
}

// programs is the folder of the programs, which nothing imports.
const programs = "syncabled/cmd"

const top = "../.."

// TestImportsPointDown sees to it that cmd → server → revlog → conflict →
// protocol is the only direction of imports, and that libraries stay where they
// are meant to be. Within revlog it is boltlog → fold → revlog.
func TestImportsPointDown(t *testing.T) {
	for _, pkg := range listPackages(t) {
		floor := floorOf(pkg.ImportPath)
		if floor < 0 {
			t.Errorf("%s has no place in floors", pkg.ImportPath)
			continue
		}
		for _, path := range pkg.Imports {
			checkImport(t, pkg.ImportPath, path, floor)
		}
	}
}

// TestServerKnowsNoStore: the server, and the contract that it is written to, can do
// without any one implementation of a log.
func TestServerKnowsNoStore(t *testing.T) {
	list := exec.Command("go", "list", "-deps", "./server", "./revlog", "./revlog/fold")
	list.Dir = top
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		t.Fatal("go list: ", err)
	}
	for path := range strings.Lines(string(out)) {
		for _, store := range []string{"syncabled/revlog/boltlog", "go.etcd.io/bbolt", "github.com/bits-and-blooms", "github.com/tidwall/btree"} {
			if isBelow(store, strings.TrimSpace(path)) {
				t.Errorf("%s is among what the server or the contract of logs depends on", strings.TrimSpace(path))
			}
		}
	}
}

func checkImport(t *testing.T, from, to string, floor int) {
	if below := floorOf(to); below > floor || below >= 0 && floors[below].path == programs {
		t.Errorf("%s → %s is a wrong arrow: imports go down, from cmd to server, revlog, conflict, protocol", from, to)
		return
	}
	if floorOf(to) < 0 && !isStandard(to) && !isAmong(floors[floor].libraries, to) {
		t.Errorf("%s → %s: not among the libraries of %s; if it belongs there, add it to floors", from, to, floors[floor].path)
	}
}

// floorOf returns the floor of a package, or -1 if it is not of this module.
func floorOf(path string) int {
	found, longest := -1, 0
	for i, floor := range floors {
		if isBelow(floor.path, path) && len(floor.path) > longest {
			found, longest = i, len(floor.path)
		}
	}
	return found
}

func isAmong(libraries []string, path string) bool {
	return libraries == nil || slices.ContainsFunc(libraries, func(library string) bool { return isBelow(library, path) })
}

// isBelow reports whether a path is root or starts with it.
func isBelow(root, path string) bool {
	return path == root || strings.HasPrefix(path, root+"/")
}

func isStandard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".") && first != "syncabled"
}

type goPackage struct {
	ImportPath string
	Imports    []string
}

func listPackages(t *testing.T) []goPackage {
	list := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	list.Dir = top
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		t.Fatal("go list: ", err)
	}
	var packages []goPackage
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var pkg goPackage
		if err := d.Decode(&pkg); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, pkg)
	}
}

// TestTestdataHasNoGo: the go command does not look there, so neither vet nor
// the other checks would.
func TestTestdataHasNoGo(t *testing.T) {
	err := filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == ".git"):
			return filepath.SkipDir
		case strings.Contains(filepath.ToSlash(path), "/testdata/") && filepath.Ext(path) == ".go":
			t.Errorf("%s is Go code in testdata", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
