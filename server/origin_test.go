package server

import (
	"net/http"
	"testing"
)

func TestOriginAllowed(t *testing.T) {
	tests := []struct {
		host, origin string
		patterns     []string
		want         bool
	}{
		// No page.
		{"sync.example", "", nil, true},

		// Of the same host; the scheme does not matter, since a proxy may end TLS.
		{"sync.example", "https://sync.example", nil, true},
		{"sync.example", "http://SYNC.EXAMPLE", nil, true},
		{"sync.example:8080", "http://sync.example:8080", nil, true},
		{"sync.example:8080", "http://sync.example", nil, false},
		{"sync.example", "http://sync.example:8080", nil, false},
		{"sync.example", "https://app.sync.example", nil, false},
		{"[2001:db8::1]:8080", "http://[2001:db8::1]:8080", nil, true},
		{"", "null", nil, false},

		// Of this machine.
		{"sync.example", "http://localhost:5173", nil, true},
		{"sync.example", "http://LocalHost", nil, true},
		{"sync.example", "http://127.0.0.1", nil, true},
		{"sync.example", "http://127.8.9.10:1234", nil, true},
		{"sync.example", "http://[::1]:5173", nil, true},
		{"sync.example", "http://localhost.evil.example", nil, false},
		{"sync.example", "http://evil.example/localhost", nil, false},
		{"sync.example", "http://localhost@evil.example", nil, false},
		{"sync.example", "http://127.0.0.1.evil.example", nil, false},
		{"sync.example", "localhost", nil, false},

		// Patterns of hosts.
		{"sync.example", "https://app.example.com", []string{"app.example.com"}, true},
		{"sync.example", "http://app.example.com", []string{"other", "APP.example.com"}, true},
		{"sync.example", "https://app.example.com:8443", []string{"app.example.com"}, false},
		{"sync.example", "https://app.example.com:8443", []string{"app.example.com:*"}, true},
		{"sync.example", "https://x.y.example.com", []string{"*.example.com"}, true},
		{"sync.example", "https://example.com", []string{"*.example.com"}, false},
		{"sync.example", "https://evilexample.com", []string{"*.example.com"}, false},
		{"sync.example", "https://example.com.evil", []string{"*.example.com"}, false},

		// Patterns of origins.
		{"sync.example", "https://app.example.com", []string{"https://app.example.com"}, true},
		{"sync.example", "http://app.example.com", []string{"https://app.example.com"}, false},
		{"sync.example", "https://a.example.com", []string{"https://*.example.com"}, true},
		{"sync.example", "https://evil.example/.example.com", []string{"https://*.example.com"}, false},
		{"sync.example", "chrome-extension://abcdef", []string{"chrome-extension://*"}, true},
		{"sync.example", "file://", []string{"file://"}, true},
		{"sync.example", "null", []string{"null"}, true},
		{"sync.example", "null", []string{"https://*"}, false},

		// All, and what is no pattern.
		{"sync.example", "https://evil.example", []string{"*"}, true},
		{"sync.example", "null", []string{"*"}, true},
		{"sync.example", "file://", []string{"*"}, true},
		{"sync.example", "https://a.example", []string{"[", ""}, false},
		{"sync.example", "http://%zz", []string{"*"}, false},
	}
	for _, test := range tests {
		r := &http.Request{Host: test.host, Header: http.Header{}}
		if test.origin != "" {
			r.Header.Set("Origin", test.origin)
		}
		if got := originAllowed(r, test.patterns); got != test.want {
			t.Errorf("page of %q at host %q with patterns %q: %t, want %t", test.origin, test.host, test.patterns, got, test.want)
		}
	}
}

func TestDatabaseName(t *testing.T) {
	for path, want := range map[string]string{
		"/":          "default",
		"/db/notes":  "notes",
		"/db/0_-":    "0_-",
		"/db/":       "",
		"/db":        "",
		"":           "",
		"/db/a/":     "",
		"/db/../x":   "",
		"/db/Notes":  "",
		"/db/a\x00b": "",
		"/db/a\n":    "",
		"/notes":     "",
	} {
		if got, err := databaseName(path); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", path, got, err, want)
		}
	}
}
