package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The builder of an image gets the source of the program, and nothing else: .dockerignore
// lets in the folders whose packages it is made of.
func TestImageIsBuiltFromTheWholeProgram(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(top, ".dockerignore"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if !slices.Contains(lines, "*") {
		t.Fatal("everything is let in")
	}
	list := exec.Command("go", "list", "-deps", "-f", "{{if .Module}}{{if .Module.Main}}{{.ImportPath}}{{end}}{{end}}", "./cmd/syncabled")
	list.Dir = top
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		t.Fatal("go list: ", err)
	}
	packages := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(packages) < 5 {
		t.Fatalf("the program is made of %q", packages)
	}
	for _, line := range packages {
		path := strings.TrimPrefix(line, "syncabled/")
		folder, _, _ := strings.Cut(path, "/")
		if !slices.Contains(lines, "!"+folder) {
			t.Errorf("package %s is not let in: add !%s to .dockerignore", path, folder)
		}
	}
	for _, file := range []string{"!go.mod", "!go.sum"} {
		if !slices.Contains(lines, file) {
			t.Errorf("%s is missing", file)
		}
	}
}
