package main

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const source = "../.."

// An archive has what an operator and the author of an app need, and what its documents
// link to, but for the source itself.
func TestArchivesHoldWhatTheirDocumentsLinkTo(t *testing.T) {
	files, err := papers(source)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{
		"LICENSE", "README.md", "CHANGELOG.md", "docs/operating.md", "docs/grafana-dashboard.json", "docs/demo.png",
		"docs/deploy/Caddyfile", "docs/deploy/nginx.conf", "docs/deploy/syncabled.service", "docs/deploy/syncabled.toml",
		"testdata/js/demo/sync-protocol.js", "testdata/js/demo/takeover.js",
	} {
		if !slices.Contains(files, file) {
			t.Errorf("%s is missing", file)
		}
	}
	links := 0
	for _, file := range files {
		if path.Ext(file) == ".md" {
			links += checkLinks(t, file, files)
		}
	}
	if links < 20 {
		t.Errorf("only %d links were found", links)
	}
}

var link = regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)

// checkLinks checks the links of a document to other files, and returns how many there
// are. Links to folders, and to the servers that figures are compared with, are for those
// who have the source.
func checkLinks(t *testing.T, file string, files []string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(source, file))
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, found := range link.FindAllStringSubmatch(string(text), -1) {
		target := path.Join(path.Dir(file), found[1])
		info, err := os.Stat(filepath.Join(source, target))
		switch {
		case err != nil:
			t.Errorf("%s links to %s: %v", file, found[1], err)
		case info.IsDir(), strings.HasPrefix(target, "testdata/js/bench/"):
		case !slices.Contains(files, target):
			t.Errorf("%s links to %s, which is not in the archive", file, target)
		default:
			checked++
		}
	}
	return checked
}

// What is left lying around does not get into a release.
func TestHiddenFilesAreNotPacked(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"docs/a.md", "docs/.a.md.swp", "docs/deploy/b.conf"} {
		if err := os.MkdirAll(filepath.Join(folder, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	files, err := packPapers(folder, "x")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		if file.mode != fs.FileMode(0o644) {
			t.Errorf("%s has mode %v", file.name, file.mode)
		}
		names = append(names, file.name)
	}
	want := []string{
		"x/CHANGELOG.md", "x/LICENSE", "x/README.md", "x/docs/a.md", "x/docs/deploy/b.conf",
		"x/testdata/js/demo/sync-protocol.js", "x/testdata/js/demo/takeover.js",
	}
	if !slices.Equal(names, want) {
		t.Errorf("got %q", names)
	}
}
