package main

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// settings are those of every run.
type settings struct {
	Size     int           `default:"200" help:"Bytes of an object (${default})."`
	Patience time.Duration `default:"30s" help:"For the server to send what is due, or the run has failed (${default})."`
	From     uint64        `placeholder:"REVISION" help:"Subscribe from there, as clients do that have all before."`
}

// A run is one measurement: its clients, and the ledger of what they do. Its
// first error closes all connections, and so ends it.
type run struct {
	settings
	target target
	ledger *ledger
	ctx    context.Context // of the connections: its life is the run
	fail   context.CancelCauseFunc
}

// newRun begins a run of writers that make at most as many changes as counts says,
// each. The caller ends it with fail(nil).
func newRun(ctx context.Context, s settings, t target, counts ...int) *run {
	ctx, fail := context.WithCancelCause(ctx)
	return &run{s, t, newLedger(rand.Uint64(), s.Size, counts...), ctx, fail}
}

// client returns a client that makes the changes of a writer, -1 for none.
func (r *run) client(self int, subscribe bool, latency *histogram) *client {
	c := &client{run: r}
	if subscribe {
		c.follower = newFollower(r.ledger, self, latency)
		c.follower.position = r.From
	}
	return c
}

// connect connects clients, some at a time, so that the server's queue of
// connections does not overflow.
func (r *run) connect(clients []*client) error {
	const atOnce = 64
	free := make(chan struct{}, atOnce)
	return r.each(clients, func(_ int, c *client) error {
		free <- struct{}{}
		defer func() { <-free }()
		return c.connect()
	})
}

// each calls do for each client at once and waits for all. It returns the first
// error of the run.
func (r *run) each(clients []*client, do func(int, *client) error) error {
	var wg sync.WaitGroup
	for i, c := range clients {
		wg.Go(func() {
			if err := do(i, c); err != nil {
				r.fail(err)
			}
		})
	}
	wg.Wait()
	return context.Cause(r.ctx)
}

// end ends the run and its connections.
func (r *run) end(clients ...*client) {
	for _, c := range clients {
		c.close()
	}
	r.fail(nil)
}
