package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"unicode/utf8"

	"github.com/coder/websocket"
)

const siteHost = "sync.example"

// A client is one WebSocket connection. It takes in what comes as fast as it
// can, unless it is stalled, and answers pings.
type client struct {
	t    *testing.T
	link *link
	conn *websocket.Conn // nil if the handshake was refused

	receiving sync.WaitGroup

	mu    sync.Mutex
	inbox []string // messages that came and were not looked at
	ended *ending
}

// An ending is how a connection ended: with a close code and its reason, with
// code 1006 if it just broke, or with an HTTP status if it was refused.
type ending struct {
	code   int
	reason string
}

// connect opens a connection to a path.
func (s *site) connect(path string, header http.Header) *client {
	return s.connectThrough(path, header, func(conn net.Conn) net.Conn { return conn })
}

// connectThrough opens a connection over a wrapped network connection.
func (s *site) connectThrough(path string, header http.Header, wrap func(net.Conn) net.Conn) *client {
	s.t.Helper()
	c := &client{t: s.t}
	s.clients = append(s.clients, c)
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			l, err := s.network.dial(ctx)
			if err != nil {
				return nil, err
			}
			c.link = l
			return wrap(l.client), nil
		},
	}
	defer transport.CloseIdleConnections()
	conn, response, err := websocket.Dial(context.Background(), "ws://"+siteHost+path, &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: transport},
		HTTPHeader: header,
		Host:       header.Get("Host"),
	})
	switch {
	case err == nil:
		c.conn = conn
		c.conn.SetReadLimit(-1)
		c.receiving.Go(c.receive)
	case response != nil:
		refusal := readRefusal(s.t, response)
		c.ended = &refusal
	default:
		c.ended = &ending{code: int(websocket.StatusAbnormalClosure)}
	}
	return c
}

func (c *client) receive() {
	for {
		kind, frame, err := c.conn.Read(context.Background())
		c.mu.Lock()
		if err != nil {
			c.ended = endingOf(c.t, err)
			c.mu.Unlock()
			_ = c.conn.CloseNow()
			return
		}
		// What browsers refuse may not come.
		if kind != websocket.MessageText || !utf8.Valid(frame) || !json.Valid(frame) {
			c.t.Errorf("the server sent a frame that is no JSON text: %q", frame)
		}
		c.inbox = append(c.inbox, string(frame))
		c.mu.Unlock()
	}
}

func endingOf(t *testing.T, err error) *ending {
	var closed websocket.CloseError
	if !errors.As(err, &closed) {
		return &ending{code: int(websocket.StatusAbnormalClosure)}
	}
	if !utf8.ValidString(closed.Reason) {
		t.Errorf("the server closed with a reason that is no UTF-8: %q", closed.Reason)
	}
	return &ending{int(closed.Code), closed.Reason}
}

// send sends text frames back to back.
func (c *client) send(frames ...string) {
	for _, frame := range frames {
		c.sendFrame(websocket.MessageText, []byte(frame))
	}
}

// sendFrame sends one frame. If the connection is gone, the client finds out by
// its ending.
func (c *client) sendFrame(kind websocket.MessageType, frame []byte) {
	if c.conn != nil {
		_ = c.conn.Write(context.Background(), kind, frame)
	}
}

// received waits until all is quiet and returns the messages that came since it
// was asked last.
func (c *client) received() []string {
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	messages := c.inbox
	c.inbox = nil
	return messages
}

// ending waits until all is quiet and returns how the connection ended, nil if
// it is open.
func (c *client) ending() *ending {
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended
}

// isOpen reports whether the connection is open at both ends.
func (c *client) isOpen() bool {
	return c.ending() == nil && !c.link.serverClosed()
}

// leave closes the connection the way a page does that is left.
func (c *client) leave() {
	_ = c.conn.Close(websocket.StatusGoingAway, "")
}

// cut breaks the connection without a close.
func (c *client) cut() {
	if c.link != nil {
		c.link.cut()
	}
	synctest.Wait()
}

// expect fails the test unless exactly these messages came.
func (c *client) expect(messages ...string) {
	c.t.Helper()
	if got := c.received(); strings.Join(got, "\n") != strings.Join(messages, "\n") {
		c.t.Fatalf("got  %q\nwant %q", got, messages)
	}
}

func (c *client) expectEnding(want ending) {
	c.t.Helper()
	if got := c.ending(); got == nil || *got != want {
		c.t.Errorf("ended with %v, want %v", got, want)
	}
}

// What clients send.

func identity(name string) string {
	return fmt.Sprintf(`{"type":"clientIdentity","clientIdentity":%q}`, name)
}

func subscribe(synced int) string {
	return fmt.Sprintf(`{"type":"subscribe","syncedRevision":%d}`, synced)
}

func changes(requestID int, list ...string) string {
	return fmt.Sprintf(`{"type":"changes","changes":[%s],"partial":false,"baseRevision":null,"requestId":%d}`,
		strings.Join(list, ","), requestID)
}

// object is the creation of an object of some size.
func object(key string, size int) string {
	return fmt.Sprintf(`{"type":1,"table":"t","key":%q,"obj":{"id":%[1]q,"text":%q}}`, key, strings.Repeat("x", size))
}

// largeSet is a message of changes of 1 MiB.
func largeSet(requestID int) string {
	var objects []string
	for i := range 16 {
		objects = append(objects, object(fmt.Sprint("k", i), 64<<10))
	}
	return changes(requestID, objects...)
}

const firstAck = `{"type":"ack","requestId":1}`
