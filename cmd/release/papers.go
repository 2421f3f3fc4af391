package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// clientFiles are what an app copies from the archive. They are at the same place as in
// the source, so that the links in the documents lead to them.
var clientFiles = []string{
	"testdata/js/demo/sync-protocol.js",
	"testdata/js/demo/takeover.js",
}

// papers returns the files that go into every archive beside the program, by their path
// in the source, sorted: what to read, examples for deployment, and the client files.
func papers(source string) ([]string, error) {
	files := slices.Concat([]string{"CHANGELOG.md", "LICENSE", "README.md"}, clientFiles)
	err := fs.WalkDir(os.DirFS(source), "docs", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() && !strings.HasPrefix(entry.Name(), ".") {
			files = append(files, path)
		}
		return err
	})
	slices.Sort(files)
	return files, err
}

// packPapers returns them as files of an archive, in a folder of it.
func packPapers(source, folder string) ([]packed, error) {
	paths, err := papers(source)
	var files []packed
	for _, path := range paths {
		files = append(files, packed{folder + "/" + path, filepath.Join(source, filepath.FromSlash(path)), 0o644})
	}
	return files, err
}
