package admin_test

import (
	"encoding/json"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"syncabled/revlog/boltlog"
	"syncabled/server"
)

func asIs(*server.Config) {}

func TestStatus(t *testing.T) {
	s := startSite(t, boltlog.Options{}, asIs)
	writer := s.connect(t, "notes")
	writer.send(identity("writer"), create("k", false))
	writer.await("ack")
	writer.send(create("l", true))
	writer.await("ack")

	code, body := s.get(t, "http://localhost:8081/status")
	if code != http.StatusOK {
		t.Fatalf("answered %d %s", code, body)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	session := only(t, got, "sessions")
	database := only(t, got, "databases")
	for _, from := range []struct {
		from  map[string]any
		names []string
	}{{got, []string{"started", "uptime_seconds", "disk_free_bytes"}}, {session, []string{"id", "remote", "since"}}, {database, []string{"size_bytes", "held_bytes"}}} {
		for _, name := range from.names {
			if value := from.from[name]; value == nil || value == 0 || value == "" {
				t.Errorf("%s is %v", name, value)
			}
			delete(from.from, name)
		}
	}
	want := map[string]any{
		"version": "1.2.3", "commit": "abc", "ready": true, "last_backup": nil, "certificate_expires": nil,
		"databases": []any{map[string]any{"name": "notes", "open": true, "head": 1., "objects": 1., "sessions": 1., "clients_ahead": 0.}},
		"sessions":  []any{map[string]any{"subject": "", "read_only": false, "client": "writer", "database": "notes", "position": nil, "lag": nil, "behind_seconds": nil}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
}

// only returns the only element of a list.
func only(t *testing.T, page map[string]any, list string) map[string]any {
	t.Helper()
	elements, _ := page[list].([]any)
	if len(elements) != 1 {
		t.Fatalf("%s are %v, want one", list, page[list])
	}
	return elements[0].(map[string]any)
}

// Of databases without clients, once they are closed, only the size is known.
func TestStatusOfClosedDatabase(t *testing.T) {
	s := startSite(t, boltlog.Options{}, func(c *server.Config) { c.IdleTimeout = time.Millisecond })
	c := s.connect(t, "notes")
	c.send(identity("c"), create("k", false))
	c.await("ack")
	_ = c.conn.CloseNow()
	for {
		_, body := s.get(t, "http://127.0.0.1/status")
		var page struct{ Databases []map[string]any }
		if err := json.Unmarshal([]byte(body), &page); err != nil || len(page.Databases) != 1 {
			t.Fatalf("got %s, %v", body, err)
		}
		if db := page.Databases[0]; db["open"] == false {
			if db["head"] != nil || db["size_bytes"] == 0. {
				t.Errorf("the database is %v", db)
			}
			return
		}
		time.Sleep(time.Millisecond) // until it is closed
	}
}

func TestReadinessWithoutRoom(t *testing.T) {
	s := startSite(t, boltlog.Options{FreeBytes: math.MaxInt}, asIs)
	if code, body := s.get(t, "http://[::1]:8081/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, "disk is full") {
		t.Errorf("readyz answered %d %s", code, body)
	}
	if code, body := s.get(t, "http://[::1]/healthz"); code != http.StatusOK {
		t.Errorf("healthz answered %d %s", code, body)
	}
	if _, body := s.get(t, "http://[::1]/status"); !strings.Contains(body, `"ready": false`) || !strings.Contains(body, `"reason": "disk is full`) {
		t.Errorf("status is %s", body)
	}
	if _, body := s.get(t, "http://[::1]/metrics"); !strings.Contains(body, "\nsyncabled_ready 0\n") {
		t.Error("the metrics do not say that it is not ready")
	}
}

func TestPages(t *testing.T) {
	s := startSite(t, boltlog.Options{}, asIs)
	for url, want := range map[string]int{
		"http://localhost/":                                 http.StatusOK,
		"http://LOCALHOST:8081/debug/pprof/":                http.StatusOK,
		"http://127.0.0.1/debug/pprof/goroutine":            http.StatusOK,
		"http://192.0.2.1/debug/pprof/cmdline":              http.StatusOK,
		"http://localhost/debug/pprof/trace?seconds=0.001":  http.StatusOK,
		"http://localhost/debug/pprof/profile?seconds=121":  http.StatusBadRequest,
		"http://localhost/debug/pprof/trace?seconds=1e9":    http.StatusBadRequest,
		"http://localhost/debug/pprof/heap?seconds=NaN":     http.StatusBadRequest,
		"http://localhost/db/notes":                         http.StatusNotFound,
		"http://evil.example/status":                        http.StatusForbidden,
		"http://localhost.evil.example:8081/debug/pprof/":   http.StatusForbidden,
		"http://127.0.0.1.evil.example/debug/pprof/symbol":  http.StatusForbidden,
		"http://evil.example:8081/metrics?host=localhost:1": http.StatusForbidden,
		"http://localhost.:8081/status":                     http.StatusOK,
		"http://localhost@evil.example/status":              http.StatusForbidden,
		"http://evil.example/healthz":                       http.StatusForbidden,
	} {
		if code, body := s.get(t, url); code != want {
			t.Errorf("%s answered %d %s, want %d", url, code, body, want)
		}
	}
}

// A page of another site may not even ask.
func TestPagesOfOtherSites(t *testing.T) {
	s := startSite(t, boltlog.Options{}, asIs)
	for from, want := range map[string]int{
		"": 200, "none": 200, "same-origin": 200, "cross-site": 403, "same-site": 403, "Same-Origin": 403, "else": 403,
	} {
		for _, path := range []string{"/status", "/metrics", "/debug/pprof/", "/debug/pprof/cmdline", "/", "/healthz", "/readyz"} {
			r := httptest.NewRequest(http.MethodGet, "http://localhost:8081"+path, nil)
			if from != "" {
				r.Header.Set("Sec-Fetch-Site", from)
			}
			answer := httptest.NewRecorder()
			s.handler.ServeHTTP(answer, r)
			expected := want
			if path == "/healthz" || path == "/readyz" {
				expected = http.StatusOK
			}
			if answer.Code != expected {
				t.Errorf("%s from %q answered %d %s, want %d", path, from, answer.Code, answer.Body, expected)
			}
		}
	}
}

// Nothing of the process's own command line is shown.
func TestCommandLineIsTheOneThatIsGiven(t *testing.T) {
	s := startSite(t, boltlog.Options{}, asIs)
	if code, body := s.get(t, "http://localhost/debug/pprof/cmdline"); code != http.StatusOK || body != "syncabled\x00serve" {
		t.Errorf("answered %d %q", code, body)
	}
}

// A body that never comes keeps no connection.
func TestAdminWaitsForNoBody(t *testing.T) {
	s := startSite(t, boltlog.Options{}, asIs)
	web := httptest.NewServer(s.handler)
	defer web.Close()
	conn, err := net.Dial("tcp", web.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.WriteString(conn, "GET /status HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn) // until it is closed
	if err != nil || !strings.Contains(string(answer), "200 OK") {
		t.Errorf("answered %q, %v", answer, err)
	}
}
