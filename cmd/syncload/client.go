package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"syncabled/protocol"
)

// A client is one connection, as Dexie.Syncable would have it: the next set goes
// out when the last was acknowledged. All of it runs on one goroutine.
type client struct {
	run      *run
	frames   *frameReader
	identity string
	tables   int    // that it names, that of the changes among them; 0 if it names none
	requests int    // sent on this connection
	awaiting bool   // the last of them is not acknowledged
	ack      []byte // what acknowledges it, as most servers write it
	sent     time.Time
	readBy   time.Time // the deadline of reads
	writeBy  time.Time // the deadline of writes
	known    uint64    // base of its sets if it does not subscribe
	set, out []byte
	follower *follower   // nil if it does not subscribe
	acks     *histogram  // nil if nobody wants to know
	end      func() bool // lets go of the run's context
}

// connect opens a connection and sends the three messages that begin one,
// without waiting in between. It returns when they are answered.
func (c *client) connect() error {
	if err := c.begin(); err != nil {
		return err
	}
	return c.read(func() bool {
		return !c.awaiting && c.identity != "" && (c.follower == nil || c.follower.begun())
	}, "an answer to the first messages")
}

// begin opens a connection and sends its first messages.
func (c *client) begin() error {
	frames, err := c.run.target.dial(c.run.ctx)
	if err != nil {
		return err
	}
	c.frames, c.requests = frames, 0
	c.readBy, c.writeBy = time.Time{}, time.Time{}
	c.end = context.AfterFunc(c.run.ctx, func() { _ = frames.conn.Close() })
	out := c.out[:0]
	out = appendFrame(out, opText, c.introduction())
	out = appendFrame(out, opText, c.empty())
	if c.follower != nil {
		subscribe := appendRevision([]byte(`{"type":"subscribe","syncedRevision":`), c.follower.position)
		out = appendFrame(out, opText, append(subscribe, '}'))
	}
	return c.write(c.sent, out)
}

// introduction is the first message of a connection.
func (c *client) introduction() []byte {
	out := []byte(`{"type":"clientIdentity","clientIdentity":`)
	if c.identity == "" {
		out = append(out, "null"...)
	} else {
		out = protocol.AppendQuote(out, c.identity)
	}
	for i := range c.tables {
		if i == 0 {
			out = append(out, `,"tables":["`+table+`"`...)
			continue
		}
		out = fmt.Appendf(out, `,"table%d"`, i)
	}
	if c.tables > 0 {
		out = append(out, ']')
	}
	return append(out, '}')
}

// empty begins the request of a set without changes.
func (c *client) empty() []byte {
	c.request()
	return c.run.ledger.appendSet(nil, ref{}, 0, c.base(), c.requests)
}

func (c *client) request() {
	c.requests++
	c.awaiting = true
	c.ack = protocol.AppendAck(c.ack[:0], strconv.Itoa(c.requests))
	c.sent = time.Now()
}

func (c *client) base() uint64 {
	if c.follower == nil {
		return c.known
	}
	return c.follower.position
}

// submit sends a set of n changes from a ref on.
func (c *client) submit(from ref, n int) error {
	c.request()
	c.run.ledger.sending(from, n, c.sent)
	set := c.run.ledger.appendSet(c.set[:0], from, n, c.base(), c.requests)
	if c.set = set; cap(set) > smallBuffer {
		c.set = nil
	}
	return c.write(c.sent, appendFrame(c.out[:0], opText, set))
}

// awaitAck reads until the set is acknowledged.
func (c *client) awaitAck() error {
	if err := c.read(func() bool { return !c.awaiting }, "an ack"); err != nil {
		return err
	}
	if c.acks != nil {
		c.acks.add(int64(c.frames.lastRead.Sub(c.sent)))
	}
	return nil
}

// awaitAll reads until n changes of others have come, and then until the answer
// to one more set: what came twice or too late is found in between.
func (c *client) awaitAll(n int) error {
	if c.follower != nil {
		if err := c.read(func() bool { return c.follower.received >= n }, "changes of others"); err != nil {
			return err
		}
	}
	set := c.empty()
	if err := c.write(c.sent, appendFrame(c.out[:0], opText, set)); err != nil {
		return err
	}
	return c.read(func() bool { return !c.awaiting }, "an ack")
}

// extend moves a deadline that leaves less than the run's patience, to a little more,
// so that not each wait needs one of its own.
func (c *client) extend(deadline *time.Time, now time.Time, set func(net.Conn, time.Time) error) error {
	patience := c.run.Patience
	if deadline.Sub(now) >= patience {
		return nil
	}
	*deadline = now.Add(patience + patience/8)
	return set(c.frames.conn, *deadline)
}

// beginRead gives the server the run's patience for what is due.
func (c *client) beginRead(now time.Time) error {
	return c.extend(&c.readBy, now, net.Conn.SetReadDeadline)
}

func (c *client) write(now time.Time, out []byte) error {
	if err := c.extend(&c.writeBy, now, net.Conn.SetWriteDeadline); err != nil {
		return err
	}
	_, err := c.frames.conn.Write(out)
	if c.out = out; cap(out) > smallBuffer {
		c.out = nil
	}
	return err
}

// read handles messages until done, and names what has not come if the server
// falls silent for the run's patience.
func (c *client) read(done func() bool, what string) error {
	for now := time.Now(); !done(); now = c.frames.lastRead {
		payload, err := c.nextDue(now, what)
		if err != nil {
			return err
		}
		if err := c.handleText(payload); err != nil {
			return err
		}
	}
	return nil
}

// nextDue is nextText, but names what has not come if the server falls silent for the
// run's patience.
func (c *client) nextDue(now time.Time, what string) ([]byte, error) {
	if err := c.beginRead(now); err != nil {
		return nil, err
	}
	payload, err := c.nextText()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, c.missing(what)
	}
	return payload, err
}

// linger handles messages for a time.
func (c *client) linger(d time.Duration) error {
	c.readBy = time.Now().Add(d)
	if err := c.frames.conn.SetReadDeadline(c.readBy); err != nil {
		return err
	}
	for {
		payload, err := c.nextText()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil
		} else if err != nil {
			return err
		}
		if err := c.handleText(payload); err != nil {
			return err
		}
	}
}

func (c *client) missing(what string) error {
	received := 0
	if c.follower != nil {
		received = c.follower.received
	}
	return violationf("missing", "%s did not come within %v (request %d, %d changes of others so far)", what, c.run.Patience, c.requests, received)
}

// nextText returns the next message, which is valid until the next call.
func (c *client) nextText() ([]byte, error) {
	for {
		opcode, payload, err := c.frames.next()
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil, err
		case err != nil:
			return nil, violationf("connection lost", "%v", err)
		case opcode == opText:
			return payload, nil
		case opcode == opClose:
			return nil, violationf("connection closed", "%q", payload)
		case opcode == opPing:
			if err := c.write(time.Now(), appendFrame(c.out[:0], opPong, payload)); err != nil {
				return nil, err
			}
		}
	}
}

func (c *client) handleText(payload []byte) error {
	if c.awaiting && bytes.Equal(payload, c.ack) {
		c.awaiting = false
		return nil
	}
	m, err := c.run.ledger.decode(payload)
	if err != nil {
		return err
	}
	return c.handle(m)
}

func (c *client) handle(m *message) error {
	switch m.kind {
	case "clientIdentity":
		if c.identity != "" {
			return violationf("second identity", "%q after %q", m.identity, c.identity)
		}
		c.identity = m.identity
	case "ack":
		if !c.awaiting || m.request != strconv.Itoa(c.requests) {
			return violationf("wrong ack", "of request %s, where %d were sent and the last is acknowledged: %v", m.request, c.requests, !c.awaiting)
		}
		c.awaiting = false
	case "changes":
		if c.follower == nil {
			return violationf("unasked changes", "%d changes for a client that did not subscribe", len(m.changes)+m.foreign)
		}
		return c.follower.take(m, c.frames.lastRead)
	case "error":
		return violationf("error", "%s", m.text)
	}
	return nil
}

// close ends the connection.
func (c *client) close() {
	if c.frames == nil {
		return
	}
	c.end()
	// A server that has gone already needs no goodbye.
	_, _ = c.frames.conn.Write(appendFrame(nil, opClose, []byte{0x03, 0xE8}))
	_ = c.frames.conn.Close()
	c.frames = nil
}

// leave ends the connection as a browser does: it waits for the server to say
// goodbye too. It returns when the server has had time to be done with it, which is
// soon: clients come back after seconds.
func (c *client) leave() error {
	const soon = 10 * time.Millisecond
	now := time.Now()
	if err := c.write(now, appendFrame(c.out[:0], opClose, []byte{0x03, 0xE8})); err != nil {
		return err
	}
	if err := c.beginRead(now); err != nil {
		return err
	}
	for opcode := byte(0); opcode != opClose; {
		var err error
		if opcode, _, err = c.frames.next(); err != nil {
			return violationf("connection lost", "before the server said goodbye: %v", err)
		}
	}
	c.close()
	select {
	case <-time.After(soon):
		return nil
	case <-c.run.ctx.Done():
		return context.Cause(c.run.ctx)
	}
}
