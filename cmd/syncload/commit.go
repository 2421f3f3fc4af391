package main

import (
	"context"
	"errors"
	"fmt"
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

	Conflicts *float64 `placeholder:"PERCENT" help:"Update objects in place of making them, in this part of the sets against another client that was faster."`
}

// Validate refuses what does not go together.
func (m commitMode) Validate() error {
	switch {
	case m.Conflicts == nil:
	case !(*m.Conflicts >= 0 && *m.Conflicts <= 100):
		return fmt.Errorf("--conflicts=%v: want a part of 100, from 0 to 100", *m.Conflicts)
	case m.Subscribe || m.Before > 0 || m.Stalled > 0:
		return errors.New("--conflicts makes objects and a client that subscribes itself; leave out --subscribe, --before and --stalled")
	}
	return nil
}

func (m commitMode) measure(ctx context.Context, s settings, t target) ([]figure, error) {
	if m.Conflicts != nil {
		return m.measureConflicts(ctx, s, t)
	}
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
	if !m.Subscribe {
		delivery = nil
	}
	return commitFigures(total, took, acks, delivery, before, after), nil
}

// commitFigures returns the figures of writers that made changes. The delivery is
// nil if nobody subscribed.
func commitFigures(changes int, took time.Duration, acks, delivery *histogram, before, after usage) []figure {
	figures := []figure{{"changes", float64(changes) / took.Seconds(), "1/s"}}
	figures = append(figures, times("ack", acks)...)
	if delivery != nil {
		figures = append(figures, times("delivery", delivery)...)
	}
	return append(figures, perUnit("change", before, after, changes)...)
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
