package main

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"
)

// mixedMode is a day in the life: many look, few write, and some come and go.
type mixedMode struct {
	Clients int           `default:"500" help:"Connections that subscribe (${default})."`
	Writers float64       `default:"0.01" help:"The part of them that writes (${default})."`
	Think   time.Duration `default:"100ms" help:"Between two sets of a writer, half to one and a half of it (${default})."`
	Leave   float64       `default:"0.1" help:"The part of the readers that is away and comes back once, at a time of its own (${default})."`
	For     time.Duration `default:"10s" help:"How long it goes on (${default})."`
}

func (m mixedMode) measure(ctx context.Context, s settings, t target) ([]figure, error) {
	writers := max(1, int(float64(m.Clients)*m.Writers))
	most := int(2*m.For/max(m.Think, time.Millisecond)) + 1
	r := newRun(ctx, s, t, slices.Repeat([]int{most}, writers)...)
	acks, delivery := new(histogram), new(histogram)
	var clients []*client
	for i := range m.Clients {
		self := -1
		if i < writers {
			self = i
		}
		c := r.client(self, true, delivery)
		c.acks = acks
		clients = append(clients, c)
	}
	defer func() { r.end(clients...) }()
	if err := r.connect(clients); err != nil {
		return nil, err
	}
	var left atomic.Int64
	before, end := t.usage(), time.Now().Add(m.For)
	if err := r.each(clients, func(i int, c *client) error {
		switch {
		case i < writers:
			return m.write(c, i, most, end)
		case rand.Float64() < m.Leave:
			left.Add(1)
			return m.leave(c, end)
		}
		return c.linger(time.Until(end))
	}); err != nil {
		return nil, err
	}
	total := 0
	for w := range writers {
		total += int(r.ledger.made[w].Load())
	}
	if err := r.each(clients, func(i int, c *client) error {
		own := 0
		if i < writers {
			own = int(r.ledger.made[i].Load())
		}
		return c.awaitAll(total - own)
	}); err != nil {
		return nil, err
	}
	figures := []figure{
		{"changes", float64(total) / m.For.Seconds(), "1/s"},
		{"reconnects", float64(left.Load()), ""},
	}
	figures = append(figures, times("ack", acks)...)
	figures = append(figures, times("delivery", delivery)...)
	return append(figures, perUnit("delivery", before, t.usage(), total*(m.Clients-1))...), nil
}

func (m mixedMode) write(c *client, self, most int, end time.Time) error {
	for n := 0; n < most && time.Now().Before(end); n++ {
		if err := c.submit(ref{uint32(self), uint32(n)}, 1); err != nil {
			return err
		}
		if err := c.awaitAck(); err != nil {
			return err
		}
		if err := c.linger(m.Think/2 + rand.N(m.Think+1)); err != nil {
			return err
		}
	}
	return nil
}

// leave closes the connection in the middle of things, for up to a second, and
// goes on from the position that the client has.
func (m mixedMode) leave(c *client, end time.Time) error {
	if err := c.linger(rand.N(time.Until(end))); err != nil {
		return err
	}
	c.close()
	away := min(rand.N(time.Second), time.Until(end))
	select {
	case <-time.After(away):
	case <-c.run.ctx.Done():
		return context.Cause(c.run.ctx)
	}
	c.follower.rejoin()
	if err := c.connect(); err != nil {
		return err
	}
	return c.linger(time.Until(end))
}
