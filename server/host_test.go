package server

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHostAllowed(t *testing.T) {
	tests := []struct {
		host   string
		hosts  []string
		origin []string
		want   bool
	}{
		// This machine, and addresses, which no page can have lead elsewhere.
		{"localhost", nil, nil, true},
		{"localhost:8080", nil, nil, true},
		{"localhost:", nil, nil, true},
		{"LOCALHOST.", nil, nil, true},
		{"LocalHost.:8080", nil, nil, true},
		{"app.localhost:8080", nil, nil, true},
		{"127.0.0.1", nil, nil, true},
		{"127.0.0.1.:8080", nil, nil, true},
		{"192.0.2.1:8080", nil, nil, true},
		{"[::1]", nil, nil, true},
		{"[::1]:8080", nil, nil, true},
		{"[2001:DB8::1]:8080", nil, nil, true},
		{"[::ffff:192.0.2.1]:80", nil, nil, true},

		// Names.
		{"evil.test", nil, nil, false},
		{"evil.test:8080", nil, nil, false},
		{"sync", nil, nil, false},
		{"localhost.evil.test", nil, nil, false},
		{"localhost.evil.test:8080", nil, nil, false},
		{"127.0.0.1.evil.test", nil, nil, false},
		{"notlocalhost", nil, nil, false},
		{"localhos", nil, nil, false},
		{"localhost..", nil, nil, false},
		{".localhost", nil, nil, false},
		{"a..localhost", nil, nil, false},

		// What looks like an address, or like nothing.
		{"0x7f.1", nil, nil, false},
		{"0x7f000001:8080", nil, nil, false},
		{"127.1", nil, nil, false},
		{"2130706433", nil, nil, false},
		{"0177.0.0.1", nil, nil, false},
		{"127.0.0.1.2", nil, nil, false},
		{"::1", nil, nil, false},
		{"[::1", nil, nil, false},
		{"::1]", nil, nil, false},
		{"[::1]x", nil, nil, false},
		{"[fe80::1%25eth0]", nil, nil, false},
		{"[::1].evil.test", nil, nil, false},
		{"[127.0.0.1]:8080", nil, nil, false},
		{"[localhost]", nil, nil, false},
		{"[evil.test]:8080", nil, nil, false},
		{"", nil, nil, false},
		{".", nil, nil, false},
		{":8080", nil, nil, false},
		{"localhost:x", nil, nil, false},
		{"localhost:-1", nil, nil, false},
		{"localhost:65536", nil, nil, false},
		{"localhost:80:80", nil, nil, false},
		{"evil.test:80@localhost", nil, nil, false},
		{"localhost@evil.test", nil, nil, false},
		{"user:pass@localhost", nil, nil, false},
		{"localhost/", nil, nil, false},
		{"localhost, evil.test", nil, nil, false},
		{"localhost%00", nil, nil, false},
		{"localho\u017ft", nil, nil, false},
		{strings.Repeat("a.", 130) + "localhost", nil, nil, false},

		// Hosts that are named.
		{"sync.example.com", []string{"sync.example.com"}, nil, true},
		{"SYNC.example.COM.:8080", []string{"sync.EXAMPLE.com"}, nil, true},
		{"sync.example.com", []string{"other", "sync.example.com.:443"}, nil, true},
		{"syncd:8080", []string{"syncd"}, nil, true},
		{"a.sync.example.com", []string{"sync.example.com"}, nil, false},
		{"sync.example.com.evil.test", []string{"sync.example.com"}, nil, false},
		{"a.example.com", []string{"*.example.com"}, nil, true},
		{"a.b.example.com", []string{"*.example.com"}, nil, true},
		{"example.com", []string{"*.example.com"}, nil, false},
		{"evilexample.com", []string{"*.example.com"}, nil, false},
		{"a.lan", []string{"*.lan"}, nil, true},
		{"evil.test", []string{"*"}, nil, true},
		{"evil.test", []string{"", "[", "http://evil.test", "evil.test/"}, nil, false},
		{"*.example.com", []string{"*.example.com"}, nil, false},

		// Hosts of pages that are allowed.
		{"app.example.com", nil, []string{"app.example.com"}, true},
		{"app.example.com:8080", nil, []string{"https://app.example.com:8443"}, true},
		{"a.example.com", nil, []string{"https://*.example.com:*"}, true},
		{"sync.example.com", nil, []string{"app.example.com"}, false},
		{"evil.test", nil, []string{"*", "https://*", "*:*", "null"}, false},
		{"null", nil, []string{"null"}, false},
		{"evil.com", nil, []string{"*.com", "*evil.com", "evil.*"}, false},
		{"abcdef", nil, []string{"chrome-extension://abcdef"}, false},
	}
	for _, test := range tests {
		s := New(Config{AllowHost: test.hosts, AllowOrigin: test.origin})
		if got := s.isHostAllowed(test.host); got != test.want {
			t.Errorf("host %q with %q and pages of %q: %t, want %t", test.host, test.hosts, test.origin, got, test.want)
		}
		if test.hosts == nil && test.origin == nil && IsRebindable(test.host) == test.want {
			t.Errorf("host %q is rebindable: %t", test.host, test.want)
		}
	}
}

// A token is worth more than a name.
func TestAnyHostWithAuthorizer(t *testing.T) {
	s := New(Config{Authorizer: cookies("sync")})
	if !s.isHostAllowed("evil.test") || !s.isHostAllowed("") {
		t.Error("with an Authorizer a host is refused")
	}
}

func TestHostsCanBeReplaced(t *testing.T) {
	s := New(Config{AllowHost: []string{"a.test"}})
	s.AllowHosts([]string{"b.test"})
	if s.isHostAllowed("a.test") || !s.isHostAllowed("b.test") {
		t.Error("the hosts are those from before")
	}
}

// A host that is refused is counted, whatever was asked for; health checks are not.
func TestRefusedHostsAreCounted(t *testing.T) {
	s := New(Config{})
	for path, want := range map[string]int{"/": 403, "/db/notes": 403, "/nowhere": 403, "/healthz": 200, "/readyz": 200} {
		answer := httptest.NewRecorder()
		s.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "http://evil.test"+path, nil))
		if answer.Code != want || want == 403 && !strings.Contains(answer.Body.String(), "--allow-host") {
			t.Errorf("%s answered %d %s, want %d", path, answer.Code, answer.Body, want)
		}
	}
	if n := s.Counts().Refused["host"]; n != 3 {
		t.Errorf("%d requests are counted, want 3", n)
	}
}

// FuzzHost looks for a host that is taken for this machine, or for one that is named,
// and is something else.
func FuzzHost(f *testing.F) {
	for _, seed := range []string{"localhost:8080", "LOCALHOST.", "[::1]:80", "127.0.0.1", "a.example.com", "[::ffff:1.2.3.4]", "x@localhost", "0x7f.1"} {
		f.Add(seed)
	}
	s := New(Config{AllowHost: []string{"sync.example.com", "*.example.org"}})
	f.Fuzz(func(t *testing.T, text string) {
		h, port, ok := parseHost(text)
		if !ok {
			if s.isHostAllowed(text) {
				t.Errorf("%q is no host, and is let in", text)
			}
			return
		}
		again := h.text
		if h.addr.Is6() {
			again = "[" + again + "]"
		}
		if same, _, ok := parseHost(again + ":" + port); !ok || same != h {
			t.Errorf("%q is %v, and %q is %v (%t)", text, h, again, same, ok)
		}
		isNamed := h.text == "sync.example.com" || strings.HasSuffix(h.text, ".example.org")
		isLocal := h.text == "localhost" || strings.HasSuffix(h.text, ".localhost")
		if got, want := s.isHostAllowed(text), isNamed || isLocal || h.addr.IsValid(); got != want {
			t.Errorf("%q is let in: %t, want %t", text, got, want)
		}
		if strings.ContainsAny(h.text, "@/\\[] *?#") {
			t.Errorf("%q has a host with characters of no host: %q", text, h.text)
		}
	})
}
