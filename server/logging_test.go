package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

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
