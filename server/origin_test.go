package server

import (
	"crypto/tls"
	"net/http"
	"net/netip"
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
		{"sync.example:443", "https://sync.example", nil, true},
		{"sync.example:80", "https://sync.example", nil, false},
		{"sync.example.", "https://sync.example", nil, true},
		{"sync.example", "capacitor://sync.example", nil, true},
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
		{"sync.example", "http://[::ffff:127.0.0.1]:5173", nil, true},
		{"sync.example", "http://app.localhost:5173", nil, true},
		{"sync.example", "http://localhost.", nil, true},
		{"sync.example", "http://[127.0.0.1]", nil, false},
		{"sync.example", "http://[::2]:5173", nil, false},
		{"sync.example", "http://localhost:5173/", nil, false},
		{"sync.example", "http://evil.example#.localhost", nil, false},
		{"sync.example", "http://evil.example\\.localhost", nil, false},
		{"sync.example", "http://notlocalhost", nil, false},
		{"sync.example", "http://0x7f.1", nil, false},
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
		{"sync.example", "https://app.example.com", []string{"app.example.com:443"}, true},
		{"sync.example", "http://app.example.com", []string{"app.example.com:443"}, false},
		{"sync.example", "https://app.example.com.", []string{"app.example.com"}, true},
		{"sync.example", "https://app.example.com", []string{"app.example.com."}, true},
		{"sync.example", "http://[2001:db8::1]:8443", []string{"[2001:db8::1]:8443"}, true},
		{"sync.example", "http://[2001:db8::1]:8443", []string{"[2001:DB8:0::1]:*"}, true},
		{"sync.example", "http://[2001:db8::2]:8443", []string{"[2001:db8::1]:8443"}, false},
		{"sync.example", "http://2001:8443", []string{"[2001:db8::1]:8443"}, false},
		{"sync.example", "http://192.168.1.7:3000", []string{"192.168.1.*:3000"}, true},

		// Patterns of origins.
		{"sync.example", "https://app.example.com", []string{"https://app.example.com"}, true},
		{"sync.example", "http://app.example.com", []string{"https://app.example.com"}, false},
		{"sync.example", "https://a.example.com", []string{"https://*.example.com"}, true},
		{"sync.example", "https://evil.example/.example.com", []string{"https://*.example.com"}, false},
		{"sync.example", "https://app.example.com:8443", []string{"https://app.example.com"}, false},
		{"sync.example", "https://app.example.com", []string{"https://app.example.com:443"}, true},
		{"sync.example", "http://[2001:db8::1]:3000", []string{"http://[2001:db8::1]:3000"}, true},
		{"sync.example", "https://[2001:db8::1]:3000", []string{"http://[2001:db8::1]:3000"}, false},
		{"sync.example", "https://app.example.com", []string{"*://app.example.com"}, true},
		{"sync.example", "https://app.example.com:8443", []string{"https://*"}, true},
		{"sync.example", "chrome-extension://abcdef", []string{"chrome-extension://*"}, true},
		{"sync.example", "file://", []string{"file://"}, true},
		{"sync.example", "null", []string{"null"}, true},
		{"sync.example", "null", []string{"https://*"}, false},

		// All, and what is no pattern.
		{"sync.example", "https://evil.example", []string{"*"}, true},
		{"sync.example", "null", []string{"*"}, true},
		{"sync.example", "file://", []string{"*"}, true},
		{"sync.example", "https://a.example", []string{"[", "", "[a-z]*", "?.example", "a.exampl\\e", "[a].example"}, false},
		{"sync.example", "http://%zz", []string{"*"}, false},
	}
	for _, test := range tests {
		s := New(Config{AllowOrigin: test.patterns})
		if got := s.isOriginAllowed(requestFrom(test.origin, test.host)); got != test.want {
			t.Errorf("page of %q at host %q with patterns %q: %t, want %t", test.origin, test.host, test.patterns, got, test.want)
		}
	}
}

func requestFrom(origin, host string) *http.Request {
	r := &http.Request{Host: host, Header: http.Header{}}
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
	return r
}

// cookies is an Authorizer for users with the cookie of that name.
type cookies string

func (cookies) Authorize(*http.Request, string) (Grant, error) { return Grant{}, nil }

func (c cookies) UsesCookie(r *http.Request) bool { return len(r.CookiesNamed(string(c))) > 0 }

// Pages that have the browser send its user's cookie have to be of https, or of the
// place that the browser itself knows the server by.
func TestOriginAllowedToUseACookie(t *testing.T) {
	over := func(headers ...string) func(*http.Request) {
		return func(r *http.Request) {
			for i := 0; i < len(headers); i += 2 {
				r.Header.Add(headers[i], headers[i+1])
			}
		}
	}
	plain := over()
	encrypted := func(r *http.Request) { r.TLS = new(tls.ConnectionState) }
	encryptedProxy := func(r *http.Request) { encrypted(r); r.RemoteAddr = "10.0.0.1:1" }
	proxy := over("X-Forwarded-Proto", "https", "X-Forwarded-For", "203.0.113.5")
	tests := []struct {
		host, origin string
		patterns     []string
		reached      func(*http.Request)
		want         bool
	}{
		{"app.example.com", "", nil, plain, true},

		// Of the same host.
		{"app.example.com", "https://app.example.com", nil, encrypted, true},
		{"app.example.com", "http://app.example.com", nil, encrypted, false},
		{"app.example.com:443", "http://app.example.com:443", nil, encrypted, false},
		{"app.example.com", "https://app.example.com", nil, proxy, true},
		{"app.example.com", "http://app.example.com", nil, proxy, false},
		{"app.example.com", "http://app.example.com", nil, over("X-Forwarded-Proto", "wss"), false},
		{"app.example.com", "http://app.example.com", nil, over("X-Forwarded-Proto", "HTTPS, http"), false},
		{"app.example.com", "http://app.example.com", nil, over("X-Forwarded-Proto", "http"), true},
		{"app.example.com", "https://app.example.com", nil, plain, true}, // a proxy that says nothing
		{"box:8080", "http://box:8080", nil, plain, true},                // no TLS at all
		{"app.example.com", "capacitor://app.example.com", nil, plain, false},
		{"app.example.com", "http://app.example.com", nil, func(r *http.Request) { encrypted(r); over("X-Forwarded-Proto", "http")(r) }, false},
		{"app.example.com", "http://app.example.com", nil, func(r *http.Request) { encryptedProxy(r); over("X-Forwarded-Proto", "http")(r) }, true},

		// Of this machine.
		{"localhost:8080", "http://localhost:5173", nil, plain, true},
		{"127.0.0.1:8080", "http://localhost:5173", nil, plain, true},
		{"[::1]:8080", "http://127.0.0.1:5173", nil, plain, true},
		{"localhost:8080", "http://localhost:5173", nil, over("X-Forwarded-For", "127.0.0.1, ::1"), true},
		{"app.example.com", "http://localhost:5173", nil, plain, false},
		{"app.example.com", "https://localhost:5173", nil, encrypted, false},
		{"192.0.2.1:8080", "http://127.0.0.1:5173", nil, plain, false},
		{"localhost.evil.test", "http://localhost:5173", nil, plain, false},
		{"127.0.0.1:8080", "http://localhost:5173", nil, proxy, false}, // a proxy that keeps Host to itself
		{"127.0.0.1:8080", "http://localhost:5173", nil, over("X-Forwarded-For", "127.0.0.1", "X-Forwarded-For", "unknown"), false},
		{"app.example.com", "capacitor://localhost", nil, encrypted, false},
		{"app.example.com", "capacitor://localhost", []string{"capacitor://localhost"}, encrypted, true},
		{"app.example.com", "http://localhost:5173", []string{"localhost:5173"}, encrypted, true},

		// Patterns.
		{"sync.example.com", "https://app.example.com", []string{"app.example.com"}, plain, true},
		{"sync.example.com", "http://app.example.com", []string{"app.example.com"}, plain, false},
		{"sync.example.com", "http://app.example.com", []string{"*.example.com"}, plain, false},
		{"sync.example.com", "http://app.example.com", []string{"*://app.example.com"}, plain, false},
		{"sync.example.com", "http://app.example.com", []string{"http://app.example.com"}, plain, true},
		{"sync.example.com", "https://a.b.example.com", []string{"https://*.example.com"}, plain, true},
		{"sync.example.com", "https://evil.s3.amazonaws.com", []string{"*.amazonaws.com"}, plain, false},
		{"sync.example.com", "https://console.aws.amazon.com", []string{"*.amazon.com"}, plain, true},
		{"sync.example.com", "https://me.github.io", []string{"me.github.io"}, plain, true},

		// Such patterns are refused when the program starts, and are worth nothing.
		{"sync.example.com", "https://evil.example", []string{"*", "https://*", "*:*"}, plain, false},
		{"sync.example.com", "https://evil.github.io", []string{"*.github.io"}, plain, false},
		{"sync.example.com", "https://evilexample.com", []string{"*example.com"}, plain, false},
		{"sync.example.com", "null", []string{"*", "null"}, plain, false},
		{"sync.example.com", "file://", []string{"file://"}, plain, false},
	}
	for _, test := range tests {
		s := New(Config{AllowOrigin: test.patterns, Authorizer: cookies("sync"), TrustProxy: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32")}})
		r := requestFrom(test.origin, test.host)
		r.RemoteAddr = "127.0.0.1:40000"
		test.reached(r)
		r.Header.Add("Cookie", "other=1; sync=TOKEN")
		if got := s.isOriginAllowed(r); got != test.want {
			t.Errorf("page of %q at host %q with patterns %q and %v: %t, want %t", test.origin, test.host, test.patterns, r.Header, got, test.want)
		}
	}
}

// Without the cookie in the request nothing is there that a page could misuse.
func TestOriginWithoutTheCookie(t *testing.T) {
	s := New(Config{Authorizer: cookies("sync")})
	for _, origin := range []string{"http://localhost:5173", "http://app.example.com", "capacitor://localhost"} {
		r := requestFrom(origin, "app.example.com")
		r.TLS = new(tls.ConnectionState)
		r.Header.Set("Cookie", "other=1")
		if !s.isOriginAllowed(r) {
			t.Errorf("a page of %s is refused", origin)
		}
	}
}

func TestAllowsAnyOrigin(t *testing.T) {
	for pattern, want := range map[string]bool{
		"app.example.com":               false,
		"app.example.com:*":             false,
		"https://app.example.com:8443":  false,
		"*.example.com":                 false,
		"https://*.example.com:*":       false,
		"*.example.co.uk":               false,
		"*.me.github.io":                false,
		"preview-*.example.com":         false,
		"*-preview.example.com":         false,
		"*.*.example.com":               false,
		"github.io":                     false, // one host
		"localhost:*":                   false,
		"[2001:db8::1]:8443":            false,
		"http://[::1]:3000":             false,
		"192.0.2.1:*":                   false,
		"chrome-extension://abcdefghij": false,
		"capacitor://localhost":         false,
		"*.xn--mnchen-3ya.de":           false,

		"*":                       true,
		"**":                      true,
		"*:*":                     true,
		"*:8443":                  true,
		"*.*":                     true,
		"?*":                      true,
		"[a-z]*":                  true,
		"[a-z].example.com":       true,
		"https://*":               true,
		"*://*":                   true,
		"*example.com":            true,
		"https://*example.com":    true,
		"app.example.*":           true,
		"app.example.com*":        true,
		"app.*":                   true,
		"a*":                      true,
		"*.com":                   true,
		"*.COM":                   true,
		"*.com.":                  true,
		"https://*.com:*":         true,
		"*.co.uk":                 true,
		"*.github.io":             true,
		"https://*.github.io":     true,
		"https://*.netlify.app:*": true,
		"*--me.netlify.app":       true,
		"app.*.co.uk":             true,
		"*.localhost":             true,
		"*.internal":              true, // each host below may be of another owner
		"*.xn--p1ai":              true,
		"*.compute.amazonaws.com": true,
		"192.0.2.*":               true,
		"*.0.2.1":                 true,
		"*.1":                     true,
		"null":                    true,
		"file://":                 true,
		"file://*":                true,
		"chrome-extension://*":    true,
		"":                        true,
		"https://":                true,
	} {
		if got := AllowsAnyOrigin(pattern); got != want {
			t.Errorf("%q: %t, want %t", pattern, got, want)
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
