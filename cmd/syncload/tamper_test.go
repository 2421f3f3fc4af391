package main

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// startLimit starts the limit server and returns its URL.
func startLimit(t testing.TB) string {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- serveLimit(ctx, l, f) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		_ = f.Close()
	})
	return "ws://" + l.Addr().String() + "/"
}

// A tamper changes what a server sends on one connection. It is called with each
// frame of the server, and what the client sent last that had changes.
type tamper func(frame, lastSet string) []string

// startTampering starts a server that passes everything on to another and back,
// with a new tamper for each connection.
func startTampering(t testing.TB, behind string, newTamper func() tamper) string {
	t.Helper()
	var sessions sync.WaitGroup
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sessions.Add(1)
		defer sessions.Done()
		client, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer client.CloseNow()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		server, _, err := websocket.Dial(ctx, behind, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer server.CloseNow()
		relay(ctx, client, server, newTamper())
	}))
	t.Cleanup(func() {
		web.CloseClientConnections()
		web.Close()
		sessions.Wait()
	})
	return "ws" + strings.TrimPrefix(web.URL, "http") + "/"
}

// relay passes frames on until either side has gone.
func relay(ctx context.Context, client, server *websocket.Conn, change tamper) {
	client.SetReadLimit(-1)
	server.SetReadLimit(-1)
	var mu sync.Mutex
	lastSet := ""
	var up sync.WaitGroup
	up.Go(func() {
		defer server.CloseNow()
		for {
			_, frame, err := client.Read(ctx)
			if err != nil {
				return
			}
			if strings.Contains(string(frame), `"obj"`) {
				mu.Lock()
				lastSet = string(frame)
				mu.Unlock()
			}
			if server.Write(ctx, websocket.MessageText, frame) != nil {
				return
			}
		}
	})
	defer up.Wait()
	defer client.CloseNow()
	for {
		_, frame, err := server.Read(ctx)
		if err != nil {
			return
		}
		mu.Lock()
		set := lastSet
		mu.Unlock()
		for _, out := range change(string(frame), set) {
			if client.Write(ctx, websocket.MessageText, []byte(out)) != nil {
				return
			}
		}
	}
}
