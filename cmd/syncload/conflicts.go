package main

import (
	"context"
	"time"
)

// measureConflicts measures updates of which a part meets what another client did.
func (m commitMode) measureConflicts(ctx context.Context, s settings, t target) ([]figure, error) {
	c := newContest(m.Writers, m.Sets, m.Changes, *m.Conflicts)
	r := newRun(ctx, s, t, c.counts()...)
	r.ledger.contest = c
	acks, delivery := new(histogram), new(histogram)
	filler, rival := r.client(-1, false, nil), r.client(-1, false, nil)
	watcher, late := r.client(-1, true, nil), r.client(-1, true, nil)
	var writers []*client
	for range m.Writers {
		w := r.client(-1, false, nil)
		w.acks = acks
		writers = append(writers, w)
	}
	defer func() { r.end(append(writers, filler, rival, watcher, late)...) }()
	if err := c.prepare(filler, rival, watcher); err != nil {
		return nil, err
	}
	for _, w := range writers {
		w.known = rival.known
	}
	if err := r.connect(writers); err != nil {
		return nil, err
	}
	watcher.follower.latency = delivery
	before, start := t.usage(), time.Now()
	if err := r.each(append(writers, watcher), func(i int, client *client) error {
		if client == watcher {
			return client.awaitAll(c.changes())
		}
		return m.write(client, i)
	}); err != nil {
		return nil, err
	}
	took, after := time.Since(start), t.usage()
	figures := commitFigures(c.objects(), took, acks, delivery, before, after)
	return figures, c.checkObjects(late)
}

// prepare makes the objects, and then has the rival update its part of them. The
// watcher gets both, and so knows the revision in between.
func (c *contest) prepare(filler, rival, watcher *client) error {
	if err := fill(filler, c.filler(), c.objects()); err != nil {
		return err
	}
	if err := watcher.connect(); err != nil {
		return err
	}
	if err := watcher.awaitAll(c.objects()); err != nil {
		return err
	}
	rival.known = watcher.follower.position
	if err := fill(rival, c.rival(), len(c.contested)); err != nil {
		return err
	}
	return watcher.awaitAll(c.objects() + len(c.contested))
}

// checkObjects connects a client, which has to get the objects as the updates left
// them.
func (c *contest) checkObjects(late *client) error {
	late.run.ledger.settle()
	if err := late.connect(); err != nil {
		return err
	}
	return late.awaitAll(c.objects())
}
