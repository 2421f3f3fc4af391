package main

import (
	"context"
	"time"
)

// idleMode measures what connections cost that do nothing, and then a change
// that reaches all of them.
type idleMode struct {
	Connections int           `default:"10000" help:"Connections that subscribe (${default}). Both sides need as many open files."`
	Tables      int           `default:"0" help:"Tables that each connection names, that of the changes among them; 0 for none (${default})."`
	For         time.Duration `default:"5s" help:"How long they are left alone (${default})."`
}

func (m idleMode) measure(ctx context.Context, s settings, t target) ([]figure, error) {
	const broadcasts = 2 // the second finds everything warm
	r := newRun(ctx, s, t, broadcasts)
	writer := r.client(0, false, nil)
	clients := make([]*client, m.Connections)
	var delivery [broadcasts]histogram
	for i := range clients {
		clients[i] = r.client(-1, true, &delivery[0])
		clients[i].tables = m.Tables
	}
	defer func() { r.end(append(clients, writer)...) }()
	if err := r.connect([]*client{writer}); err != nil {
		return nil, err
	}
	before := t.usage()
	if err := r.connect(clients); err != nil {
		return nil, err
	}
	connected := t.usage()
	if err := r.each(append(clients, writer), func(_ int, c *client) error { return c.linger(m.For) }); err != nil {
		return nil, err
	}
	idle := t.usage()
	figures := memoryEach("memory each", before, idle, m.Connections)
	figures = append(figures, perUnit("connection to connect", before, connected, m.Connections)...)
	figures = append(figures, perUnit("idle connection and second", connected, idle, int(float64(m.Connections)*m.For.Seconds()))...)
	for n := range broadcasts {
		if err := m.broadcast(r, writer, clients, n, &delivery[n]); err != nil {
			return nil, err
		}
	}
	after := t.usage()
	figures = append(figures, memoryEach("memory each after broadcasts", before, after, m.Connections)...)
	figures = append(figures, perUnit("delivery", idle, after, broadcasts*m.Connections)...)
	figures = append(figures, times("first broadcast", &delivery[0])...)
	return append(figures, times("second broadcast", &delivery[1])...), nil
}

// broadcast makes a change and waits until all have it.
func (m idleMode) broadcast(r *run, writer *client, clients []*client, n int, delivery *histogram) error {
	for _, c := range clients {
		c.follower.latency = delivery
	}
	return r.each(append(clients, writer), func(i int, c *client) error {
		if i < len(clients) {
			return c.read(func() bool { return c.follower.received > n }, "the broadcast")
		}
		if err := c.submit(ref{0, uint32(n)}, 1); err != nil {
			return err
		}
		return c.awaitAck()
	})
}

func memoryEach(name string, before, after usage, n int) []figure {
	if after.resident == 0 {
		return nil
	}
	return []figure{{name, float64(after.resident-before.resident) / 1024 / float64(n), "KiB"}}
}
