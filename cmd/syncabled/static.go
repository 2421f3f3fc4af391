package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/time/rate"
)

// checkStatic refuses a folder of files for everybody that has something in it which
// is not for everybody.
func (c serveCommand) checkStatic(config string) error {
	if c.Static == "" {
		return nil
	}
	pages := string(c.Static)
	switch {
	case isWithin(c.Data, pages):
		return fmt.Errorf("--static %s contains the data folder %s, and would serve the databases to everybody: put the app into a folder of its own, or choose another folder with --data", pages, c.Data)
	case isWithin(pages, c.Data):
		return fmt.Errorf("--static %s is in the data folder %s: put the app into a folder of its own, or choose another folder with --data", pages, c.Data)
	}
	for _, secret := range []struct{ flag, path string }{
		{"config", config}, {"tls-key", string(c.TLSKey)}, {"jwt-key-file", c.JWTKeyFile},
	} {
		if secret.path != "" && isWithin(secret.path, pages) {
			return fmt.Errorf("--static %s contains the file of --%s, %s, and would serve it to everybody: move the file, or put the app into a folder of its own", pages, secret.flag, secret.path)
		}
	}
	return nil
}

// isWithin reports whether a path, which need not exist, is a folder or below it, with
// all symlinks followed. It compares folders and not their names, which can be written
// in more than one way.
func isWithin(path, folder string) bool {
	outer, err := os.Stat(folder)
	if err != nil {
		return false
	}
	for at := resolve(path); ; at = filepath.Dir(at) {
		if info, err := os.Stat(at); err == nil && os.SameFile(info, outer) {
			return true
		}
		if at == filepath.Dir(at) {
			return false
		}
	}
}

// resolve follows the symlinks of as much of a path as exists.
func resolve(path string) string {
	for at := path; ; at = filepath.Dir(at) {
		if resolved, err := filepath.EvalSymlinks(at); err == nil || at == filepath.Dir(at) {
			return resolved
		}
	}
}

// staticFiles serves the files of a folder, but for those whose name, or that of a
// folder on the way, begins with a dot. There are no lists of files, and no symlink
// leads out of the folder.
type staticFiles struct {
	folder string
	logger zerolog.Logger
	warned rate.Sometimes
}

func newStaticFiles(folder string, logger zerolog.Logger) *staticFiles {
	return &staticFiles{folder: folder, logger: logger, warned: rate.Sometimes{Interval: time.Minute}}
}

// ServeHTTP implements [http.Handler].
func (s *staticFiles) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "files are read only: use GET or HEAD", http.StatusMethodNotAllowed)
		return
	}
	// It is opened for every request, because it may be put in place of another one
	// while the server runs: by a new symlink, or a build that makes it anew.
	root, err := os.OpenRoot(s.folder)
	if err != nil {
		s.warn(err)
		http.NotFound(w, r)
		return
	}
	defer root.Close()
	w.Header().Set("X-Content-Type-Options", "nosniff")
	http.FileServerFS(publicFiles{root, s}).ServeHTTP(w, r)
}

// warn says why a file is not served, now and then.
func (s *staticFiles) warn(err error) {
	s.warned.Do(func() { s.logger.Warn().Err(err).Msg("a file of --static cannot be served") })
}

// publicFiles are the files of a folder that are served.
type publicFiles struct {
	root  *os.Root
	files *staticFiles
}

// Open implements [fs.FS]. A folder can be opened if it has a page to show.
func (p publicFiles) Open(name string) (fs.File, error) {
	if isHidden(name) {
		return nil, fs.ErrNotExist
	}
	info, err := p.stat(name)
	if err == nil && info.IsDir() {
		info, err = p.stat(name + "/index.html")
	}
	if err == nil && !info.Mode().IsRegular() { // to open a pipe would be to wait for who writes to it
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, err
	}
	return p.root.FS().Open(name)
}

// stat returns what a file is. Whatever keeps it from being served, to a client it does
// not exist.
func (p publicFiles) stat(name string) (fs.FileInfo, error) {
	info, err := fs.Stat(p.root.FS(), strings.TrimPrefix(name, "./"))
	switch {
	case err == nil:
		return info, nil
	case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrInvalid) && !errors.Is(err, syscall.ENOTDIR) && !errors.Is(err, syscall.ENAMETOOLONG):
		p.files.warn(err)
	}
	return nil, fs.ErrNotExist
}

// wellKnown is the folder of RFC 8615, which is meant to be found.
const wellKnown = ".well-known"

// isHidden reports whether a path is of a file that is not for others.
func isHidden(path string) bool {
	elements := strings.Split(path, "/")
	if elements[0] == wellKnown {
		elements = elements[1:]
	}
	return path != "." && slices.ContainsFunc(elements, func(element string) bool {
		// On Windows a hidden name has a short form, such as GIT~1.
		return strings.HasPrefix(element, ".") || strings.Contains(element, `\`) ||
			runtime.GOOS == "windows" && strings.ContainsAny(element, "~:")
	})
}
