package admin_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	"github.com/prometheus/client_golang/prometheus"

	"syncabled/revlog"
	"syncabled/revlog/boltlog"
	"syncabled/server"
	"syncabled/server/admin"
)

// A site is a server on a port of this machine, and what shows it to operators.
type site struct {
	addr     string
	registry *prometheus.Registry
	handler  http.Handler
	stop     context.CancelFunc
}

// startSite starts a server that ends with the test.
func startSite(t *testing.T, options boltlog.Options, edit func(*server.Config)) *site {
	t.Helper()
	s := &site{registry: prometheus.NewRegistry()}
	build := admin.Build{Version: "1.2.3", Commit: "abc"}
	metrics, err := admin.Register(s.registry, build)
	if err != nil {
		t.Fatal(err)
	}
	options.Observe = metrics.ObserveCommit
	dir, err := boltlog.OpenDir(t.TempDir(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dir.Close() })
	config := server.Config{
		Open:      func(name string) (revlog.Log, error) { return dir.Open(name) },
		Ready:     dir.CheckSpace,
		DrainTime: time.Millisecond,
	}
	edit(&config)
	running := server.New(config)
	if s.handler, err = admin.New(admin.Config{Server: running, Dir: dir, Registry: s.registry, Build: build, Started: time.Now(), CommandLine: []string{"syncabled", "serve"}}); err != nil {
		t.Fatal(err)
	}
	s.serve(t, running)
	return s
}

func (s *site) serve(t *testing.T, running *server.Server) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = l.Addr().String()
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	served := make(chan error, 1)
	go func() { served <- running.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}

// get asks the handler for a page.
func (s *site) get(t *testing.T, url string) (code int, body string) {
	t.Helper()
	answer := httptest.NewRecorder()
	s.handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, url, nil))
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.Code, string(text)
}

// A client is a connection.
type client struct {
	t    *testing.T
	conn *websocket.Conn
}

// connect opens a connection to a database, which ends with the test.
func (s *site) connect(t *testing.T, database string) *client {
	t.Helper()
	conn, _, err := websocket.Dial(t.Context(), "ws://"+s.addr+"/db/"+database, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	return &client{t, conn}
}

func (c *client) send(frames ...string) {
	c.t.Helper()
	for _, frame := range frames {
		if err := c.conn.Write(c.t.Context(), websocket.MessageText, []byte(frame)); err != nil {
			c.t.Fatal(err)
		}
	}
}

// await reads until a message of a type comes.
func (c *client) await(kind string) {
	c.t.Helper()
	for {
		var message struct{ Type string }
		if err := wsjson.Read(c.t.Context(), c.conn, &message); err != nil {
			c.t.Fatal(err)
		}
		if message.Type == kind {
			return
		}
	}
}

func identity(name string) string {
	return fmt.Sprintf(`{"type":"clientIdentity","clientIdentity":%q}`, name)
}

// create is a set that creates an object; a part of one if the rest is to come.
func create(key string, partial bool) string {
	return fmt.Sprintf(`{"type":"changes","changes":[{"type":1,"table":"t","key":%q,"obj":{"id":%[1]q}}],`+
		`"partial":%t,"baseRevision":null,"requestId":1}`, key, partial)
}

const subscribe = `{"type":"subscribe","syncedRevision":null}`
