//go:build unix

package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rs/zerolog"

	"syncabled/server"
)

// writeTree writes files, by path, into a folder. A path that ends in / is a folder, and a
// text that begins with -> a symlink.
func writeTree(t *testing.T, tree map[string]string) string {
	t.Helper()
	top := t.TempDir()
	for path, text := range tree {
		at := filepath.Join(top, path)
		if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
			t.Fatal(err)
		}
		var err error
		target, isLink := strings.CutPrefix(text, "->")
		switch {
		case isLink:
			err = os.Symlink(strings.ReplaceAll(target, "TOP", top), at)
		case strings.HasSuffix(path, "/"):
			err = os.MkdirAll(at, 0o700)
		default:
			err = os.WriteFile(at, []byte(text), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return top
}

func TestStaticFiles(t *testing.T) {
	top := writeTree(t, map[string]string{
		"secret.txt":                "secret",
		"elsewhere/secret.txt":      "secret",
		"app/index.html":            "home",
		"app/app.js":                "code",
		"app/a b~1.txt":             "odd",
		"app/sub/index.html":        "sub",
		"app/list/file.txt":         "listed",
		"app/empty/":                "",
		"app/odd/index.html/x":      "x",
		"app/.env":                  "secret",
		"app/.git/config":           "secret",
		"app/.git/index.html":       "secret",
		"app/sub/.hidden/file":      "secret",
		"app/.well-known/acme":      "found",
		"app/.well-known/.htaccess": "secret",
		"app/sub/.well-known/file":  "secret",
		"app/alias.js":              "->app.js",
		"app/sub/alias.js":          "->../app.js",
		"app/out.txt":               "->../secret.txt",
		"app/outside":               "->../elsewhere",
		"app/absolute.txt":          "->TOP/secret.txt",
		"app/linked/index.html":     "->../../secret.txt",
		"app/loop":                  "->loop",
		"app/dangling":              "->nothing",
	})
	if err := syscall.Mkfifo(filepath.Join(top, "app", "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	config := parseServe(t, nil, "--static", filepath.Join(top, "app")).config(nil, zerolog.Nop())
	s := server.New(config)
	tests := map[string]string{
		"/":                   "200 home",
		"/?query":             "200 home",
		"/app.js":             "200 code",
		"/a%20b~1.txt":        "200 odd",
		"/sub/":               "200 sub",
		"/sub":                "301 ",
		"/list/file.txt":      "200 listed",
		"/.well-known/acme":   "200 found",
		"/%2ewell-known/acme": "200 found",
		"/alias.js":           "200 code",
		"/sub/alias.js":       "200 code",
		"/sub/../app.js":      "200 code",

		"/list/":                        "404 ",
		"/list":                         "404 ",
		"/empty/":                       "404 ",
		"/odd/":                         "404 ",
		"/odd/index.html/":              "404 ",
		"/nothing":                      "404 ",
		"/app.js/x":                     "404 ",
		"/pipe":                         "404 ",
		"/.env":                         "404 ",
		"/%2eenv":                       "404 ",
		"/.git/config":                  "404 ",
		"/.git/":                        "404 ",
		"/.git":                         "404 ",
		"/sub/../.git/config":           "404 ",
		"/sub/.hidden/file":             "404 ",
		"/sub%2f.hidden%2ffile":         "404 ",
		"/.well-known/":                 "404 ",
		"/.well-known/.htaccess":        "404 ",
		"/.well-known/../.env":          "404 ",
		"/sub/.well-known/file":         "404 ",
		"/.WELL-KNOWN/acme":             "404 ",
		"/out.txt":                      "404 ",
		"/outside/secret.txt":           "404 ",
		"/outside/":                     "404 ",
		"/absolute.txt":                 "404 ",
		"/linked/":                      "404 ",
		"/loop":                         "404 ",
		"/dangling":                     "404 ",
		"/../secret.txt":                "404 ",
		"/%2e%2e/secret.txt":            "404 ",
		"/..%2fsecret.txt":              "404 ",
		"/..%5csecret.txt":              "404 ",
		"/sub%5c.hidden%5cfile":         "404 ",
		"/app.js%00":                    "404 ",
		"/" + strings.Repeat("a", 5000): "404 ",
	}
	for path, want := range tests {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			r := httptest.NewRequest(method, "http://localhost"+path, nil)
			answer := httptest.NewRecorder()
			s.ServeHTTP(answer, r)
			body := answer.Body.String()
			got := fmt.Sprint(answer.Code, " ", body)
			if method == http.MethodHead || answer.Code != http.StatusOK {
				got, want = got[:4], want[:4]
			}
			if got != want {
				t.Errorf("%s %s answered %q, want %q", method, path, got, want)
			}
			if strings.Contains(body, "secret") || strings.Contains(body, "file.txt") {
				t.Errorf("%s %s shows %q", method, path, body)
			}
			if answer.Code == http.StatusOK && answer.Header().Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s %s has the headers %v", method, path, answer.Header())
			}
		}
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		answer := httptest.NewRecorder()
		s.ServeHTTP(answer, httptest.NewRequest(method, "http://localhost/app.js", nil))
		if answer.Code != http.StatusMethodNotAllowed || answer.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("%s answered %d", method, answer.Code)
		}
	}
}

// The folder may be another one as time goes by: a new release behind a symlink, or one
// that was made anew.
func TestStaticFolderIsReplaced(t *testing.T) {
	top := writeTree(t, map[string]string{"one/app.js": "one", "two/app.js": "two"})
	current := filepath.Join(top, "current")
	var out bytes.Buffer
	files := newStaticFiles(current, zerolog.New(&out))
	get := func(path string) string {
		answer := httptest.NewRecorder()
		files.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
		return answer.Body.String()
	}
	for _, release := range []string{"one", "two"} {
		_ = os.Remove(current) // there is none at first
		if err := os.Symlink(filepath.Join(top, release), current); err != nil {
			t.Fatal(err)
		}
		if got := get("/app.js"); got != release {
			t.Errorf("got %q of release %s", got, release)
		}
	}
	if err := os.Remove(current); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if got := get("/app.js"); got != "404 page not found\n" {
			t.Errorf("got %q of no release", got)
		}
	}
	if n := strings.Count(out.String(), "cannot be served"); n != 1 {
		t.Errorf("the log has %d lines about it, want 1:\n%s", n, &out)
	}
}

func TestStaticIsApartFromSecrets(t *testing.T) {
	top := writeTree(t, map[string]string{
		"app/index.html":   "home",
		"app/data/":        "",
		"app/key.pem":      "key",
		"data/pages/":      "",
		"application/x":    "",
		"to-app":           "->app",
		"to-data":          "->app/data",
		"app/up":           "->..",
		"key-elsewhere":    "->app/key.pem",
		"app/link-out.pem": "->../outside.pem",
		"outside.pem":      "key",
		"syncabled.toml":   "",
		"app/sub/my.toml":  "",
	})
	at := func(path string) string { return filepath.Join(top, path) }
	tests := []struct {
		static, data, key, jwtKey, config string
		want                              string // part of the error
	}{
		{static: "app", data: "data"},
		{static: "app", data: "applica"},
		{static: "app", data: "app2/deep/data"},
		{static: "app", data: "application", key: "outside.pem", jwtKey: "outside.pem", config: "syncabled.toml"},
		{static: "app", data: "data", key: "app/link-out.pem"}, // a symlink that leads out is not served
		{static: "app", data: "app", want: "contains the data folder"},
		{static: "app", data: "app/data", want: "contains the data folder"},
		{static: "app", data: "app/new/data", want: "contains the data folder"},
		{static: "app", data: "to-app", want: "contains the data folder"},
		{static: "app", data: "to-app/new", want: "contains the data folder"},
		{static: "app", data: "to-data", want: "contains the data folder"},
		{static: "to-app", data: "app/data", want: "contains the data folder"},
		{static: ".", data: "data", want: "another folder with --data"},
		{static: "app/up", data: "data", want: "contains the data folder"},
		{static: "data/pages", data: "data", want: "is in the data folder"},
		{static: "app/data", data: "to-app", want: "is in the data folder"},
		{static: "app", data: "data", key: "app/key.pem", want: "contains the file of --tls-key"},
		{static: "app", data: "data", key: "key-elsewhere", want: "contains the file of --tls-key"},
		{static: "app", data: "data", jwtKey: "app/key.pem", want: "contains the file of --jwt-key-file"},
		{static: "app", data: "data", config: "app/sub/my.toml", want: "contains the file of --config"},
		{data: "app/data", key: "app/key.pem"},
	}
	for _, test := range tests {
		paths := []*string{&test.static, &test.data, &test.key, &test.jwtKey, &test.config}
		said := fmt.Sprintf("%+v", test)
		for _, path := range paths {
			if *path != "" {
				*path = at(*path)
			}
		}
		c := serveCommand{Static: folder(test.static), Data: test.data, TLSKey: file(test.key), authFlags: authFlags{JWTKeyFile: test.jwtKey}}
		err := c.checkStatic(test.config)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", said, err)
		}
	}
}
