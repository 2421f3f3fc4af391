package server_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"syncabled/server"
)

// bodiless are the headers of bodies that never come, or not to their end.
var bodiless = map[string]string{
	"length":       "Content-Length: 10\r\n\r\n",
	"begun":        "Content-Length: 10\r\n\r\nabc",
	"huge":         "Content-Length: 100000000000\r\n\r\nabc",
	"chunked":      "Transfer-Encoding: chunked\r\n\r\n",
	"half a chunk": "Transfer-Encoding: chunked\r\n\r\nff\r\nabc",
	"expected":     "Expect: 100-continue\r\nContent-Length: 10\r\n\r\n",
}

const handshakeHeaders = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"

// A request is answered without its body, and its connection ends.
func TestBodyThatNeverComes(t *testing.T) {
	files := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "file") })
	requests := map[string]int{
		"GET /healthz":            http.StatusOK,
		"GET /db/notes":           http.StatusUpgradeRequired,
		"POST /db/notes":          http.StatusUpgradeRequired,
		"PUT /nowhere":            http.StatusOK, // up to the handler of files
		"GET /db/notes handshake": http.StatusBadRequest,
		"GET / handshake":         http.StatusBadRequest,
	}
	for request, want := range requests {
		for name, body := range bodiless {
			t.Run(request+" "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := startSite(t, server.Config{Static: files})
					line, isHandshake := strings.CutSuffix(request, " handshake")
					headers := "Host: " + siteHost + "\r\n"
					if isHandshake {
						headers += handshakeHeaders
					}
					s.expectAnswer(line+" HTTP/1.1\r\n"+headers+body, want)
				})
			})
		}
	}
}

// The server answers a request at once, and then closes the connection.
func (s *site) expectAnswer(request string, want int) {
	s.t.Helper()
	link, err := s.network.dial(context.Background())
	if err != nil {
		s.t.Fatal(err)
	}
	defer link.cut()
	start := time.Now()
	_ = link.client.SetReadDeadline(start.Add(time.Minute))
	if _, err := io.WriteString(link.client, request); err != nil {
		s.t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(link.client), nil)
	if err != nil || response.StatusCode != want || time.Since(start) > 0 {
		s.t.Fatalf("answered %v (%v) after %v, want %d at once", response, err, time.Since(start), want)
	}
	time.Sleep(time.Second)
	synctest.Wait()
	if !link.serverClosed() {
		s.t.Error("the connection is still open")
	}
}

// A request without a body leaves its connection open for the next.
func TestConnectionIsKeptWithoutBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{})
		if link := s.connectIdle("/healthz"); link.serverClosed() {
			t.Error("the connection is closed")
		}
	})
}

// What stands beside the sync endpoint waits for no body either.
func TestControlWaitsForNoBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := newNetwork()
		web := &http.Server{Handler: server.New(server.Config{}).Control()}
		served := make(chan error, 1)
		go func() { served <- web.Serve(network) }()
		defer func() {
			_ = web.Close()
			<-served
		}()
		s := &site{t: t, network: network}
		for _, body := range bodiless {
			s.expectAnswer("GET /backup/Bad HTTP/1.1\r\nHost: control\r\n"+body, http.StatusNotFound)
		}
	})
}
