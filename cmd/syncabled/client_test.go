package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// A client is a connection that has had its first batch.
type client struct {
	conn     *websocket.Conn
	requests int
	acks     chan int

	ended chan struct{} // closed when the connection has ended
	err   error         // why; set before that
}

type message struct {
	Type      string `json:"type"`
	RequestID int    `json:"requestId"`
}

// dial connects a new client to a path of the server.
func dial(addr, path string) (*client, error) { return dialURL("ws://"+addr+path, nil) }

// dialURL connects a new client that trusts some certificates and, if it is for a
// page of another origin, says so.
func dialURL(url string, options *websocket.DialOptions) (*client, error) {
	return dialFrom(url, "null", options)
}

// dialFrom connects a new client that has synced up to a revision.
func dialFrom(url, revision string, options *websocket.DialOptions) (*client, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, url, options)
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(-1)
	c := &client{conn: conn, acks: make(chan int, 100), ended: make(chan struct{})}
	err = errors.Join(
		c.send(ctx, `{"type":"clientIdentity","clientIdentity":null}`),
		c.send(ctx, `{"type":"subscribe","syncedRevision":`+revision+`}`))
	for batch := false; err == nil && !batch; {
		var m message
		err = wsjson.Read(ctx, conn, &m)
		batch = m.Type == "changes"
	}
	if err != nil {
		conn.CloseNow()
		return nil, err
	}
	go c.read()
	return c, nil
}

func (c *client) send(ctx context.Context, frame string) error {
	return c.conn.Write(ctx, websocket.MessageText, []byte(frame))
}

func (c *client) read() {
	defer close(c.ended)
	for {
		var m message
		if c.err = wsjson.Read(context.Background(), c.conn, &m); c.err != nil {
			return
		}
		if m.Type == "ack" {
			c.acks <- m.RequestID
		}
	}
}

// submit creates an object in the table items, and returns when that has been
// acknowledged.
func (c *client) submit(key string) error {
	quoted, err := json.Marshal(key)
	if err != nil {
		return err
	}
	return c.submitChange(fmt.Sprintf(`{"type":1,"table":"items","key":%s,"obj":{"id":%[1]s}}`, quoted))
}

// submitChange sends a set of one change, and returns when that has been acknowledged.
func (c *client) submitChange(change string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c.requests++
	err := c.send(ctx, fmt.Sprintf(`{"type":"changes","requestId":%d,"baseRevision":null,"partial":false,"changes":[%s]}`, c.requests, change))
	if err != nil {
		return err
	}
	select {
	case <-c.acks:
		return nil
	case <-c.ended:
		return fmt.Errorf("no ack: %w", c.err)
	case <-ctx.Done():
		return errors.New("no ack")
	}
}

// closeCode returns the code that the server closed the connection with.
func (c *client) closeCode() (int, error) {
	select {
	case <-c.ended:
		return int(websocket.CloseStatus(c.err)), nil
	case <-time.After(patience):
		return 0, errors.New("the connection is open")
	}
}
