// Command release builds the archives of a release: one for each system, and
// SHA256SUMS. The same source and the same Go give the same bytes, whoever builds
// them, wherever and whenever.
//
//	go run ./cmd/release -version v1.2.3 -time 1700000000 -to dist
package main

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// A target is a system to build for.
type target struct{ system, processor string }

var targets = []target{
	{"linux", "amd64"}, {"linux", "arm64"},
	{"darwin", "amd64"}, {"darwin", "arm64"},
	{"windows", "amd64"}, {"windows", "arm64"},
}

// A release is what all of its archives share.
type release struct {
	version string
	time    time.Time // of all files
	folder  string    // for the archives
}

func main() {
	var r release
	var seconds int64
	flag.StringVar(&r.version, "version", "", "version that the program is to say")
	flag.Int64Var(&seconds, "time", 0, "time of all files, in seconds since 1970")
	flag.StringVar(&r.folder, "to", "dist", "folder for the archives; what is in it stays")
	flag.Parse()
	r.time = time.Unix(seconds, 0).UTC()
	if r.version == "" || seconds <= 0 || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := r.run(); err != nil {
		log.Fatal(err)
	}
}

func (r release) run() error {
	if err := os.MkdirAll(r.folder, 0o755); err != nil {
		return err
	}
	var sums []byte
	for _, t := range targets {
		path, err := r.makeArchive(t)
		if err != nil {
			return fmt.Errorf("%s/%s: %w", t.system, t.processor, err)
		}
		archive, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		sums = fmt.Appendf(sums, "%x  %s\n", sha256.Sum256(archive), filepath.Base(path))
		fmt.Println(path)
	}
	return os.WriteFile(filepath.Join(r.folder, "SHA256SUMS"), sums, 0o644)
}

// makeArchive builds the program for a system and packs it with its papers.
func (r release) makeArchive(t target) (path string, err error) {
	temporary, err := os.MkdirTemp("", "release-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(temporary)
	program := "syncabled"
	if t.system == "windows" {
		program += ".exe"
	}
	built := filepath.Join(temporary, program)
	if err := r.build(t, built); err != nil {
		return "", err
	}
	name := strings.Join([]string{"syncabled", r.version, t.system, t.processor}, "_")
	files, err := packPapers(".", name)
	if err != nil {
		return "", err
	}
	files = append(files, packed{name + "/" + program, built, 0o755})
	pack, path := packTar, filepath.Join(r.folder, name+".tar.gz")
	if t.system == "windows" {
		pack, path = packZip, filepath.Join(r.folder, name+".zip")
	}
	return path, writeFile(path, func(out *os.File) error { return pack(out, files, r.time) })
}

func (r release) build(t target, to string) error {
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags", "-s -w -buildid= -X main.version="+r.version, "-o", to, "./cmd/syncabled")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+t.system, "GOARCH="+t.processor,
		"GOFLAGS=", "GOEXPERIMENT=", "GOAMD64=v1", "GOARM64=v8.0")
	build.Stderr = os.Stderr
	return build.Run()
}
