package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"syncabled/revlog"
	"syncabled/revlog/boltlog"
	"syncabled/server"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// startServer starts a real server on real files, with small pages, and returns
// the URL of its default database.
func startServer(t *testing.T) string {
	t.Helper()
	dir, err := boltlog.OpenDir(t.TempDir(), boltlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := server.New(server.Config{
		Open:        func(name string) (revlog.Log, error) { return dir.Open(name) },
		PageChanges: 100,
		DrainTime:   time.Millisecond,
		Logger:      zerolog.Nop(),
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := dir.Close(); err != nil {
			t.Error(err)
		}
	})
	return "ws://" + l.Addr().String() + "/"
}

// TestServersAreRight runs every mode of the benchmark, small, against the
// server and the limit program: no violation, and figures for all it shows.
func TestServersAreRight(t *testing.T) {
	for _, server := range []struct {
		name  string
		start func(*testing.T) string
	}{
		{"syncabled", startServer},
		{"limit", func(t *testing.T) string { return startLimit(t) }},
	} {
		for _, bc := range benchCases(true) {
			t.Run(server.name+"/"+bc.name, func(t *testing.T) {
				if err := measure(t, server.start(t), bc.mode, 0); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// TestForeignChangesOfTheFirstBatch: a database may hold what earlier runs made.
func TestForeignChangesOfTheFirstBatch(t *testing.T) {
	url := startServer(t)
	for range 2 {
		if err := measure(t, url, initialMode{Objects: 500}, 0); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCommandPrintsFigures(t *testing.T) {
	url := startServer(t)
	var out, log bytes.Buffer
	if code := execute(t.Context(), []string{"commit", "--url", url, "--writers", "2", "--sets", "3", "--json"}, &out, &log); code != exitOK {
		t.Fatalf("exit code %d: %s", code, &log)
	}
	var r report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	if r.Mode != "commit" || r.Target != url || len(r.Figures) == 0 || r.Figures[0].Name != "changes" || r.Figures[0].Value <= 0 {
		t.Errorf("got %+v", r)
	}
}

func TestCommandFailsOnViolation(t *testing.T) {
	url := startTampering(t, startServer(t), once(isAck(3), func(string, string) []string {
		return []string{`{"type":"ack","requestId":9}`}
	}))
	var out, log bytes.Buffer
	code := execute(t.Context(), []string{"commit", "--url", url, "--writers", "2", "--sets", "5"}, &out, &log)
	if code != exitError || !strings.Contains(log.String(), "violation: wrong ack") || out.Len() > 0 {
		t.Errorf("exit code %d, printed %q and %q", code, &out, &log)
	}
}

func TestOtherMachinesAreRefused(t *testing.T) {
	for _, url := range []string{"ws://192.0.2.1:80/", "ws://example.com:80/", "ws://127.0.0.1.example.com:80/"} {
		var out, log bytes.Buffer
		if code := execute(t.Context(), []string{"commit", "--url", url}, &out, &log); code != exitError || !strings.Contains(log.String(), "--load-a-remote-machine") {
			t.Errorf("%s: exit code %d: %s", url, code, &log)
		}
	}
}

func TestMaxDurationEndsARun(t *testing.T) {
	url := startServer(t)
	var out, log bytes.Buffer
	code := execute(t.Context(), []string{"fanout", "--url", url, "--subscribers", "1", "--for", "1h", "--max-duration", "100ms"}, &out, &log)
	if code != exitError || !strings.Contains(log.String(), "--max-duration") {
		t.Errorf("exit code %d: %s", code, &log)
	}
}
