package main

import (
	"context"
	"fmt"
	"io"
	"time"
)

// logs are servers with many changes in their logs. To fill one takes long, so it
// serves all measurements that need as many.
type logs struct {
	candidate candidate
	quiet     time.Duration // that a server does nothing before it is measured
	progress  io.Writer
	filled    map[int]*filledLog // by changes
}

type filledLog struct {
	*process
	head uint64 // as of some time
}

// measure runs a mode against the server with a number of changes, and what earlier
// modes added to them.
func (l *logs) measure(ctx context.Context, changes int, m mode, s settings) ([]figure, error) {
	log, err := l.get(ctx, changes, s)
	if err != nil {
		return nil, fmt.Errorf("fill a log with %d changes: %w", changes, err)
	}
	s.From = log.head
	if log.head, err = head(ctx, s, log.target); err != nil {
		return nil, err
	}
	s.From = log.head
	if err := log.settle(ctx, l.quiet); err != nil {
		return nil, err
	}
	return m.measure(ctx, s, log.target)
}

// get returns the server with a number of changes. It starts and fills it when it is
// needed first.
func (l *logs) get(ctx context.Context, changes int, s settings) (*filledLog, error) {
	if log := l.filled[changes]; log != nil {
		return log, nil
	}
	fmt.Fprintf(l.progress, "filling a log with %d changes\n", changes)
	p, err := l.candidate.start()
	if err != nil {
		return nil, err
	}
	log := &filledLog{process: p}
	l.filled[changes] = log
	log.head, err = fillLog(ctx, s, p.target, changes)
	return log, err
}

// end ends all servers.
func (l *logs) end() {
	for _, log := range l.filled {
		log.process.end()
	}
}

// fillLog makes changes. It returns a position behind most of them: that of the
// client that made them, which has no need to be sent them.
func fillLog(ctx context.Context, s settings, t target, changes int) (uint64, error) {
	r := newRun(ctx, s, t, changes)
	c := r.client(0, true, nil)
	defer r.end(c)
	if err := fill(c, 0, changes); err != nil {
		return 0, err
	}
	if err := c.awaitAll(0); err != nil {
		return 0, err
	}
	return c.follower.position, nil
}

// head returns the position of a client that has everything. The nearer the run's own
// position is to that, the less the client is sent.
func head(ctx context.Context, s settings, t target) (uint64, error) {
	r := newRun(ctx, s, t)
	c := r.client(-1, true, nil)
	defer r.end(c)
	if err := c.connect(); err != nil {
		return 0, err
	}
	return c.follower.position, nil
}

// quietTime is how long a server does nothing that has put in order what it was sent.
const quietTime = 2 * time.Second

// settle waits until the server has used no CPU time for a while, or for a minute.
func (l *filledLog) settle(ctx context.Context, quiet time.Duration) error {
	const most = time.Minute
	start := time.Now()
	for used, since := l.target.usage().cpu, start; time.Since(since) < quiet && time.Since(start) < most; {
		select {
		case <-time.After(quiet / 10):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if now := l.target.usage().cpu; now > used {
			used, since = now, time.Now()
		}
	}
	return nil
}
