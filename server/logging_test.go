package server_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"syncabled/server"
)

// A refused page is logged once for each origin, with the flag that allows it.
func TestRefusedOriginIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{})
		for range 3 {
			for _, origin := range []string{"https://a.example", "https://b.example:8443"} {
				s.connect("/", http.Header{"Origin": {origin}})
			}
		}
		var messages []any
		for _, event := range s.events.about("refused") {
			messages = append(messages, event["message"])
		}
		if diff := cmp.Diff([]any{
			`refused a page of another origin; to allow it, start with --allow-origin "https://a.example"`,
			`refused a page of another origin; to allow it, start with --allow-origin "https://b.example:8443"`,
		}, messages); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
	})
}

// A client that does not speak the protocol comes back every few seconds. It is
// logged once, known by its identity or, before it has one, by its host.
func TestOffenderIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{})
		for range 3 {
			for _, frames := range [][]string{{"{}"}, {identity("a"), "{}"}, {identity("b"), "[]"}} {
				s.connect("/", nil).send(frames...)
				synctest.Wait()
			}
		}
		var clients []any
		for _, event := range s.events.about("client does not speak the protocol") {
			clients = append(clients, event["client"])
		}
		if diff := cmp.Diff([]any{"", "a", "b"}, clients); diff != "" {
			t.Errorf("clients (-want +got):\n%s", diff)
		}
	})
}

// Offenders that come through a proxy are told apart by the host that the proxy names.
func TestOffendersBehindAProxyAreLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{TrustProxy: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
		for range 2 {
			for _, host := range []string{"198.51.100.1", "198.51.100.1:4711", "203.0.113.9"} {
				s.connect("/", http.Header{"X-Forwarded-For": {host}}).send("{}")
				synctest.Wait()
			}
		}
		var hosts []any
		for _, event := range s.events.about("client does not speak the protocol") {
			hosts = append(hosts, event["remote"])
		}
		if diff := cmp.Diff([]any{"198.51.100.1", "203.0.113.9"}, hosts); diff != "" {
			t.Errorf("hosts (-want +got):\n%s", diff)
		}
	})
}

// A connection leaves one event, when it ends, with what it carried.
func TestConnectionLeavesOneEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{})
		a := s.connect("/db/notes", nil)
		a.send(identity("a"), changes(1, object("k1", 1), object("k2", 1)), subscribe(0))
		b := s.connect("/db/notes", nil)
		b.send(identity("b"), changes(1, object("k3", 1)))
		synctest.Wait()
		a.leave()
		synctest.Wait()
		b.cut()

		var lines []string
		for _, e := range s.events.about("") {
			lines = append(lines, fmt.Sprint(e["level"], " ", e["database"], " ", e["client"], " ", e["code"], " ",
				e["messages"], " ", e["changes_in"], " ", e["changes_out"], " ", e["message"]))
		}
		if diff := cmp.Diff([]string{
			"info notes a 1001 3 2 1 connection ended",
			"info notes b 1006 2 1 0 connection ended",
		}, lines); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

// A client that connects without end does not fill the log.
func TestConnectionEventsAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{})
		for range 1100 {
			c := s.connectRaw("/")
			c.link.cut()
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		logged, left := len(s.events.about("connection ended")), s.events.about("connection events left out")
		if logged != 1000 || len(left) != 1 || left[0]["count"] != 100.0 {
			t.Errorf("%d events; left out: %v", logged, left)
		}
	})
}

// A browser does not show why a handshake was refused. The log does, once for each path
// and address; likewise of what is looked up with a browser.
func TestPathOfNoDatabaseIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{Static: http.NotFoundHandler()})
		for range 3 {
			for _, path := range []string{"/db/Todos", "/db/a/", "/sync"} {
				s.connect(path, nil)
			}
			s.connect("/db/"+strings.Repeat("é", 1000), nil)
			s.get("/db/Todos", nil)
			s.get("/other", nil) // is for the static handler
		}
		var logged []string
		for _, e := range s.events.about("no database at this path: connect to /db/NAME, of 1 to 64 characters from a-z, 0-9, _ and -") {
			remote, _, _ := strings.Cut(e["remote"].(string), ":")
			logged = append(logged, fmt.Sprint(e["level"], " ", e["path"], " ", remote))
		}
		if diff := cmp.Diff([]string{
			"warn /db/Todos 192.0.2.7",
			"warn /db/a/ 192.0.2.7",
			"warn /sync 192.0.2.7",
			"warn /db/" + strings.Repeat("é", 48) + "… 192.0.2.7",
			"info /db/Todos 192.0.2.7",
		}, logged); diff != "" {
			t.Errorf("logged (-want +got):\n%s", diff)
		}
	})
}

// A browser asks for an icon by itself.
func TestIconIsNotLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{})
		s.get("/favicon.ico", nil)
		if events := s.events.about(""); len(events) > 0 {
			t.Errorf("events: %v", events)
		}
	})
}

// The tables that a client names are kept, so there is a limit.
func TestTooManyTables(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{})
		names := func(n int) string {
			var list []string
			for i := range n {
				list = append(list, fmt.Sprint("t", i))
			}
			return "/?tables=" + strings.Join(list, ",")
		}
		if ended := s.connect(names(1000), nil).ending(); ended != nil {
			t.Errorf("1000 tables: %v", ended)
		}
		want := "?tables= names 1001 tables, over the limit of 1000: leave it out, and the client is sent all tables"
		for range 2 {
			if ended := s.connect(names(1001), nil).ending(); ended == nil || *ended != (ending{400, want}) {
				t.Errorf("501 tables: %v", ended)
			}
		}
		if events := s.events.about(want); len(events) != 1 {
			t.Errorf("events: %v", events)
		}
	})
}

// Plain requests go to the static handler, except below /db/.
func TestStaticHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{Static: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "static %s", r.URL.Path)
		})})
		for path, want := range map[string]ending{
			"/":         {200, "static /"},
			"/app.js":   {200, "static /app.js"},
			"/db":       {200, "static /db"},
			"/db/notes": {426, "This is the sync endpoint"},
			"/db/":      {404, "no database at this path"},
		} {
			got := s.get(path, nil)
			if got.code != want.code || !strings.HasPrefix(got.reason, want.reason) {
				t.Errorf("%s: %v, want %v", path, got, want)
			}
		}
		// A handshake does not.
		a := s.connect("/", nil)
		a.send(identity("a"), subscribe(0))
		if n := len(a.received()); n != 1 {
			t.Errorf("got %d messages, want the answer to subscribe", n)
		}
		if refused := s.connect("/app.js", nil).ending(); refused == nil || refused.code != 404 {
			t.Errorf("handshake at /app.js: %v, want 404", refused)
		}
	})
}
