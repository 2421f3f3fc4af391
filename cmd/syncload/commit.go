package main

import (
	"context"
	"slices"
	"time"
)

// commitMode measures how many sets writers get acknowledged, each writer
// sending the next when the last is.
type commitMode struct {
	Writers   int  `default:"16" help:"Connections that write (${default})."`
	Sets      int  `default:"1000" help:"Sets of each (${default})."`
	Changes   int  `default:"1" help:"Changes of a set (${default})."`
	Subscribe bool `help:"The writers also subscribe, and so get what the others write."`
	Before    int  `default:"0" help:"Objects that another client makes before (${default})."`
	Stalled   int  `default:"0" help:"Clients that subscribe and then read nothing until the writers are done (${default})."`
}

func (m commitMode) measure(ctx context.Context, s settings, t target) ([]figure, error) {
	own := m.Sets * m.Changes
	r := newRun(ctx, s, t, append(slices.Repeat([]int{own}, m.Writers), m.Before)...)
	acks, delivery := new(histogram), new(histogram)
	filler := r.client(-1, false, nil)
	var writers, stalled []*client
	for w := range m.Writers {
		c := r.client(w, m.Subscribe, delivery)
		c.acks = acks
		writers = append(writers, c)
	}
	for range m.Stalled {
		stalled = append(stalled, r.client(-1, true, nil))
	}
	all := append(stalled, writers...)
	defer func() { r.end(append(all, filler)...) }()
	if err := fill(filler, m.Writers, m.Before); err != nil {
		return nil, err
	}
	if err := r.connect(all); err != nil {
		return nil, err
	}
	before, start := t.usage(), time.Now()
	if err := r.each(writers, func(w int, c *client) error { return m.write(c, w) }); err != nil {
		return nil, err
	}
	took, after := time.Since(start), t.usage()
	total := m.Writers * own
	if err := r.each(writers, func(_ int, c *client) error { return c.awaitAll(m.Before + total - own) }); err != nil {
		return nil, err
	}
	// The stalled get everything in the end, from the log.
	if err := r.each(stalled, func(_ int, c *client) error { return c.awaitAll(m.Before + total) }); err != nil {
		return nil, err
	}
	figures := []figure{{"changes", float64(total) / took.Seconds(), "1/s"}}
	figures = append(figures, times("ack", acks)...)
	if m.Subscribe {
		figures = append(figures, times("delivery", delivery)...)
	}
	return append(figures, perUnit("change", before, after, total)...), nil
}

func (m commitMode) write(c *client, self int) error {
	for n := range m.Sets {
		if err := c.submit(ref{uint32(self), uint32(n * m.Changes)}, m.Changes); err != nil {
			return err
		}
		if err := c.awaitAck(); err != nil {
			return err
		}
	}
	return nil
}
