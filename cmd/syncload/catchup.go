package main

import (
	"bytes"
	"context"
	"os"
	"runtime"
	"time"
)

// initialMode measures the first sync of a new client.
type initialMode struct {
	Objects int `default:"100000" help:"Objects that the database holds; they are made before (${default})."`
}

func (m initialMode) measure(ctx context.Context, s settings, t target) ([]figure, error) {
	r := newRun(ctx, s, t, m.Objects)
	writer, reader := r.client(0, false, nil), r.client(-1, true, nil)
	defer r.end(writer, reader)
	if err := fill(writer, 0, m.Objects); err != nil {
		return nil, err
	}
	return catchUp(reader, m.Objects)
}

// resyncMode measures a client that comes back and is some changes behind.
type resyncMode struct {
	Objects int `default:"10000" help:"Objects that it has when it leaves (${default})."`
	Behind  int `default:"100" help:"Objects that are made while it is away (${default})."`
}

func (m resyncMode) measure(ctx context.Context, s settings, t target) ([]figure, error) {
	r := newRun(ctx, s, t, m.Objects+m.Behind)
	writer, reader := r.client(0, false, nil), r.client(-1, true, nil)
	defer r.end(writer, reader)
	if err := fill(writer, 0, m.Objects); err != nil {
		return nil, err
	}
	if err := reader.connect(); err != nil {
		return nil, err
	}
	if err := reader.awaitAll(m.Objects); err != nil {
		return nil, err
	}
	if err := reader.leave(); err != nil {
		return nil, err
	}
	if err := submitAll(writer, 0, m.Objects, m.Objects+m.Behind); err != nil {
		return nil, err
	}
	reader.follower.rejoin()
	return catchUp(reader, m.Objects+m.Behind)
}

// fill connects a client, which makes the first n objects of a writer.
func fill(c *client, writer, n int) error {
	if err := c.connect(); err != nil {
		return err
	}
	return submitAll(c, writer, 0, n)
}

// submitAll makes the objects of a writer from one number up to another.
func submitAll(c *client, writer, from, to int) error {
	const setSize = 1000
	for ; from < to; from += setSize {
		if err := c.submit(ref{uint32(writer), uint32(from)}, min(setSize, to-from)); err != nil {
			return err
		}
		if err := c.awaitAck(); err != nil {
			return err
		}
	}
	return nil
}

// catchUp connects a client and measures its first batch, up to the change that
// makes n. The memory for it is there before the clock starts, and the messages are
// checked when it has stopped: it is the server that is measured.
func catchUp(c *client, n int) ([]figure, error) {
	memory := touched(n * (c.run.Size + mostAround))
	before, start := c.run.target.usage(), time.Now()
	if err := c.begin(); err != nil {
		return nil, err
	}
	c.frames.keep(memory)
	shook := time.Now()
	var frames [][]byte
	var first time.Duration
	for last := false; !last; {
		payload, err := c.nextDue(c.frames.lastRead, "the first batch")
		if err != nil {
			return nil, err
		}
		if !bytes.Contains(payload, []byte(`"changes"`)) {
			if err := c.handleText(payload); err != nil {
				return nil, err
			}
			continue
		}
		if len(frames) == 0 {
			first = c.frames.firstByte.Sub(start)
		}
		frames = append(frames, payload)
		last = ends(payload)
	}
	took, after := time.Since(start), c.run.target.usage()
	size := c.frames.bytes
	for _, frame := range frames {
		if err := c.handleText(frame); err != nil {
			return nil, err
		}
	}
	if err := c.awaitAll(n); err != nil {
		return nil, err
	}
	figures := []figure{
		inMilliseconds("all", took),
		inMilliseconds("first bytes", first),
		inMilliseconds("handshake", shook.Sub(start)),
		{"bytes", float64(size), "B"},
		{"messages", float64(len(frames)), ""},
	}
	return append(figures, perUnit("catch-up", before, after, 1)...), nil
}

// mostAround is about what a server sends with each object.
const mostAround = 128

// touched returns memory that the system has given, which it does at the first touch.
func touched(size int) []byte {
	memory := make([]byte, size)
	for i := 0; i < len(memory); i += os.Getpagesize() {
		memory[i] = 1
	}
	runtime.GC() // else it would begin now
	return memory
}

// ends reports whether a message of changes is the last of its batch. It is not
// worth decoding for that: members of the message come before the changes, or
// after them.
func ends(payload []byte) bool {
	const most = 128
	partial := []byte(`"partial":true`)
	head, tail := payload[:min(most, len(payload))], payload[max(0, len(payload)-most):]
	return !bytes.Contains(head, partial) && !bytes.Contains(tail, partial)
}
