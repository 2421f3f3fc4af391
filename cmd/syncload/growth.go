package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// growthCommand shows how the cost of one server grows: it measures the same at
// several sizes of one thing, the sizes in turns.
type growthCommand struct {
	Server     string     `required:"" type:"existingfile" placeholder:"FILE" help:"The syncabled program."`
	Comparison comparison `embed:"" set:"rounds=3"`
}

// A growthCase is something to measure at several sizes.
type growthCase struct {
	name    string
	figures []string
	sizes   []growthSize
}

// A growthSize is a mode with the parameters of one size.
type growthSize struct {
	name  string
	mode  mode
	bytes int // of an object, 0 for the usual
	log   int // changes that are in the log before
}

// Run measures everything and prints one table, with each size as a multiple of the
// first.
func (c growthCommand) Run(w world) error {
	logs := &logs{candidate: syncabled(c.Server), quiet: quietTime, progress: w.stderr, filled: map[int]*filledLog{}}
	if c.Comparison.Quick {
		logs.quiet = 0
	}
	defer logs.end()
	var all []turns
	for _, gc := range growthCases(c.Comparison) {
		t := turns{name: gc.name, figures: gc.figures}
		for _, size := range gc.sizes {
			t.contenders = append(t.contenders, contender{size.name, func(ctx context.Context) ([]figure, error) {
				return size.measure(ctx, logs)
			}})
		}
		all = append(all, t)
	}
	return c.Comparison.run(w, all, func(first, other float64) float64 { return other / first })
}

func (g growthSize) measure(ctx context.Context, logs *logs) ([]figure, error) {
	s := benchSettings
	if g.bytes > 0 {
		s.Size = g.bytes
	}
	if g.log > 0 {
		return logs.measure(ctx, g.log, g.mode, s)
	}
	return logs.candidate.measure(ctx, g.mode, s)
}

func growthCases(c comparison) []growthCase {
	commit := []string{"changes", "server CPU per change"}
	withMemory := slices.Concat(commit, []string{"server memory"})
	alone := commitMode{Writers: 16, Sets: c.small(1000, 20), Changes: 1}
	subscribed := alone
	subscribed.Subscribe = true
	many := commitMode{Writers: 256, Sets: c.small(200, 4), Changes: 1}
	behind := many
	behind.Before = c.small(500_000, 500)
	return []growthCase{
		bySubscribers(c),
		byBytes("16 writers", commit, alone),
		byBytes("initial sync", []string{"all", "first bytes"}, initialMode{Objects: c.small(10_000, 500)}),
		byConflicts(commit, alone),
		// The last ones, because servers are kept for them.
		byLog(c, "16 writers that subscribe", commit, subscribed),
		byLog(c, "256 writers", withMemory, many),
		byLog(c, "256 writers right behind an upload of "+grouped(behind.Before), withMemory, behind),
		byLog(c, "reconnect, up to date", []string{"answer p50", "answer max", "server memory"}, reconnectMode{Objects: 100, Times: c.small(100, 5)}),
	}
}

func byLog(c comparison, name string, figures []string, m mode) growthCase {
	gc := growthCase{name: name + ", by changes in the log", figures: figures}
	for _, log := range []int{0, c.small(1_000_000, 1000), c.small(5_000_000, 5000)} {
		gc.sizes = append(gc.sizes, growthSize{name: grouped(log), mode: m, log: log})
	}
	return gc
}

func bySubscribers(c comparison) growthCase {
	during := time.Duration(c.small(5000, 500)) * time.Millisecond
	gc := growthCase{name: "fan-out, by subscribers", figures: []string{"delivery p50", "delivery p99", "server CPU per delivery"}}
	for _, f := range []fanoutMode{
		{Subscribers: c.small(100, 5), Rate: 20, For: during},
		{Subscribers: c.small(1000, 10), Rate: 20, For: during},
		{Subscribers: c.small(10_000, 20), Rate: 2, For: during},
	} {
		gc.sizes = append(gc.sizes, growthSize{name: fmt.Sprintf("%s at %v sets/s", grouped(f.Subscribers), f.Rate), mode: f})
	}
	return gc
}

func byBytes(name string, figures []string, m mode) growthCase {
	gc := growthCase{name: name + ", by bytes of an object", figures: figures}
	for _, bytes := range []int{200, 10_000} {
		gc.sizes = append(gc.sizes, growthSize{name: grouped(bytes), mode: m, bytes: bytes})
	}
	return gc
}

func byConflicts(figures []string, m commitMode) growthCase {
	gc := growthCase{name: "16 writers, by % of sets in conflict", figures: figures}
	for _, percent := range []float64{0, 10, 100} {
		m.Conflicts = &percent
		gc.sizes = append(gc.sizes, growthSize{name: fmt.Sprint(percent), mode: m})
	}
	return gc
}
