package main

import (
	"context"
	"time"
)

// reconnectMode measures a client that comes back again and again, and has all there
// is.
type reconnectMode struct {
	Objects int `default:"10000" help:"Objects that it has (${default})."`
	Times   int `default:"100" help:"Times that it comes back (${default})."`
}

func (m reconnectMode) measure(ctx context.Context, s settings, t target) ([]figure, error) {
	r := newRun(ctx, s, t, m.Objects)
	writer, reader := r.client(0, false, nil), r.client(-1, true, nil)
	defer r.end(writer, reader)
	if err := fill(writer, 0, m.Objects); err != nil {
		return nil, err
	}
	if err := reader.connect(); err != nil {
		return nil, err
	}
	// It sends nothing more on this connection. A server may take a set that was
	// acknowledged just before a connection came as newer than that connection.
	if err := reader.read(func() bool { return reader.follower.received >= m.Objects }, "the objects"); err != nil {
		return nil, err
	}
	answers := new(histogram)
	before := t.usage()
	for range m.Times {
		if err := reader.leave(); err != nil {
			return nil, err
		}
		reader.follower.rejoin()
		start := time.Now()
		if err := reader.connect(); err != nil {
			return nil, err
		}
		answers.add(int64(reader.frames.lastRead.Sub(start)))
	}
	figures := append(times("answer", answers), perUnit("reconnect", before, t.usage(), m.Times)...)
	return figures, reader.awaitAll(m.Objects)
}
