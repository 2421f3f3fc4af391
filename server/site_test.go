package server_test

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/rs/zerolog"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/revlog/boltlog"
	"syncabled/server"
)

// A site is a server with its data folder and its clients. It lives in a
// synctest bubble.
type site struct {
	t       *testing.T
	config  server.Config
	options boltlog.Options
	data    string
	events  *events
	clock   clock

	// wrapLog, if set, stands between the server and its logs.
	wrapLog func(revlog.Log) revlog.Log

	// Of the server that runs.
	dir     *boltlog.Dir
	server  *server.Server
	network *network
	stop    context.CancelFunc
	served  chan error
	running bool

	clients []*client
}

// startSite starts a server. It and its clients end with the test.
func startSite(t *testing.T, config server.Config) *site {
	t.Helper()
	s := newSite(t, config)
	s.start()
	return s
}

func newSite(t *testing.T, config server.Config) *site {
	s := &site{t: t, config: config, data: t.TempDir(), events: &events{t: t}}
	s.config.Logger = zerolog.New(s.events)
	s.config.AllowHost = append(s.config.AllowHost, siteHost)
	s.config.Now = s.clock.now
	t.Cleanup(func() {
		for _, c := range s.clients {
			c.cut()
			c.receiving.Wait()
		}
		s.shutDown()
	})
	return s
}

func (s *site) start() {
	s.t.Helper()
	dir, err := boltlog.OpenDir(s.data, s.options)
	if err != nil {
		s.t.Fatal(err)
	}
	config := s.config
	if config.Open == nil {
		config.Open = func(name string) (revlog.Log, error) { return s.open(name) }
	}
	ctx, stop := context.WithCancel(context.Background())
	s.dir, s.stop, s.running = dir, stop, true
	s.network, s.served = newNetwork(), make(chan error, 1)
	s.server = server.New(config)
	go func() { s.served <- s.server.Serve(ctx, s.network) }()
}

func (s *site) open(name string) (revlog.Log, error) {
	db, err := s.dir.Open(name)
	if err != nil || s.wrapLog == nil {
		return db, err
	}
	return s.wrapLog(db), nil
}

// shutDown ends the server and waits until it has ended, which takes the drain
// time.
func (s *site) shutDown() {
	s.t.Helper()
	if !s.running {
		return
	}
	s.running = false
	s.stop()
	if err := <-s.served; err != nil {
		s.t.Errorf("Serve: %v", err)
	}
	if err := s.dir.Close(); err != nil {
		s.t.Error(err)
	}
}

// web returns a plain HTTP client of the server.
func (s *site) web() *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			l, err := s.network.dial(ctx)
			if err != nil {
				return nil, err
			}
			return l.client, nil
		},
	}}
}

// get asks the server for a page. A refusal has the form of an ending.
func (s *site) get(path string, header http.Header) ending {
	s.t.Helper()
	request, err := http.NewRequest(http.MethodGet, "http://"+siteHost+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	request.Host, request.Header = cmp.Or(header.Get("Host"), siteHost), header
	response, err := s.web().Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	return readRefusal(s.t, response)
}

func readRefusal(t *testing.T, response *http.Response) ending {
	t.Helper()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return ending{response.StatusCode, strings.Join(strings.Fields(string(body)), " ")}
}

// events collects what the server logs.
type events struct {
	t     testing.TB
	mu    sync.Mutex
	lines []map[string]any
}

func (e *events) Write(line []byte) (int, error) {
	event := map[string]any{}
	if err := json.Unmarshal(line, &event); err != nil {
		return 0, err
	}
	fields := 0
	for range protocol.Members(line) {
		fields++
	}
	if fields > len(event) {
		e.t.Errorf("an event has a field twice: %s", line)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lines = append(e.lines, event)
	return len(line), nil
}

// about returns the events whose message begins with a text.
func (e *events) about(message string) []map[string]any {
	e.mu.Lock()
	defer e.mu.Unlock()
	var found []map[string]any
	for _, event := range e.lines {
		if text, _ := event["message"].(string); strings.HasPrefix(text, message) {
			found = append(found, event)
		}
	}
	return found
}
