package main

import (
	"context"
	"time"
)

// fanoutMode measures how long a change takes to reach many subscribers.
type fanoutMode struct {
	Subscribers int           `default:"1000" help:"Connections that subscribe (${default})."`
	Rate        float64       `default:"20" help:"Sets of one change that one writer sends per second (${default}). A late ack delays the next."`
	Tables      int           `default:"0" help:"Tables that each subscriber names, that of the changes among them; 0 for none (${default})."`
	For         time.Duration `default:"5s" help:"How long it writes (${default})."`
}

func (m fanoutMode) measure(ctx context.Context, s settings, t target) ([]figure, error) {
	sets := max(1, int(m.Rate*m.For.Seconds()))
	r := newRun(ctx, s, t, sets)
	delivery := new(histogram)
	writer := r.client(0, false, nil)
	var subscribers []*client
	for range m.Subscribers {
		subscriber := r.client(-1, true, delivery)
		subscriber.tables = m.Tables
		subscribers = append(subscribers, subscriber)
	}
	all := append([]*client{writer}, subscribers...)
	defer func() { r.end(all...) }()
	if err := r.connect(all); err != nil {
		return nil, err
	}
	before := t.usage()
	if err := r.each(all, func(i int, c *client) error {
		if i > 0 {
			return c.awaitAll(sets)
		}
		return m.write(c, sets)
	}); err != nil {
		return nil, err
	}
	figures := times("delivery", delivery)
	return append(figures, perUnit("delivery", before, t.usage(), sets*m.Subscribers)...), nil
}

func (m fanoutMode) write(c *client, sets int) error {
	ticker := time.NewTicker(time.Duration(float64(time.Second) / m.Rate))
	defer ticker.Stop()
	for n := range sets {
		if err := c.submit(ref{0, uint32(n)}, 1); err != nil {
			return err
		}
		if err := c.awaitAck(); err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-c.run.ctx.Done():
			return context.Cause(c.run.ctx)
		}
	}
	return nil
}
