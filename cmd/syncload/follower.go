package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// A violation is something that a server must not do. The run ends with the
// first.
type violation struct{ rule, detail string }

func (v *violation) Error() string { return "violation: " + v.rule + ": " + v.detail }

func violationf(rule, format string, args ...any) error {
	return &violation{rule, fmt.Sprintf(format, args...)}
}

// A follower checks what one client is sent: every change of the others exactly
// once, those of one writer in order, none of its own, and positions that never
// go back.
//
// The first batch of a connection may come in any order, since a server may read
// it from its objects; it must be whole all the same. After a reconnect it may
// also hold what the client sent itself: that is how a server repairs a client
// that may have lost something.
type follower struct {
	self     int // number of the writer that this client is, -1 if it is none
	next     []uint32
	received int // changes of others, of this run
	position uint64
	within   bool   // messages of a batch have come, its last has not
	current  uint64 // highest revision within that batch
	opening  bool
	rejoined bool
	held     []ref // of the opening batch
	batches  int   // on this connection
	latency  *histogram
	ledger   *ledger
}

func newFollower(l *ledger, self int, latency *histogram) *follower {
	return &follower{self: self, next: make([]uint32, len(l.made)), opening: true, latency: latency, ledger: l}
}

// rejoin tells that the client has connected anew, from its position.
func (f *follower) rejoin() {
	f.opening, f.rejoined, f.within, f.held, f.batches = true, true, false, nil, 0
}

// begun reports whether the first batch of a connection has come.
func (f *follower) begun() bool { return f.batches > 0 }

// take checks a message of changes that came at a time.
func (f *follower) take(m *message, at time.Time) error {
	if err := f.checkRevision(m); err != nil {
		return err
	}
	if f.opening {
		return f.takeOpening(m)
	}
	if m.foreign > 0 {
		return violationf("unknown object", "%d changes that this run did not make, at revision %d", m.foreign, m.revision)
	}
	for _, r := range m.changes {
		if err := f.count(r, m.revision); err != nil {
			return err
		}
		if f.latency != nil {
			f.latency.add(at.UnixNano() - f.ledger.sent[r.writer][r.number].Load())
		}
	}
	return nil
}

func (f *follower) checkRevision(m *message) error {
	floor := f.position
	if f.within {
		floor = max(floor, f.current)
	}
	switch {
	case m.revision < floor:
		return violationf("revision going back", "from %d to %d", floor, m.revision)
	case m.partial:
		f.within, f.current = true, m.revision
		return nil
	case m.revision == f.position && len(m.changes)+m.foreign > 0:
		return violationf("revision standing still", "%d changes at revision %d, which the client had reached", len(m.changes), m.revision)
	}
	f.within, f.position = false, m.revision
	f.batches++
	return nil
}

func (f *follower) takeOpening(m *message) error {
	f.held = append(f.held, m.changes...)
	if m.partial {
		return nil
	}
	slices.SortFunc(f.held, func(a, b ref) int {
		return cmp.Or(cmp.Compare(a.writer, b.writer), cmp.Compare(a.number, b.number))
	})
	for _, r := range f.held {
		if f.rejoined && int(r.writer) == f.self {
			continue
		}
		if err := f.count(r, m.revision); err != nil {
			return err
		}
	}
	// A connection can begin with an empty batch that ends what came before it.
	f.opening = f.rejoined && len(f.held) == 0
	f.held = nil
	return nil
}

// count takes in one change.
func (f *follower) count(r ref, revision uint64) error {
	switch want := f.next[r.writer]; {
	case int(r.writer) == f.self:
		return violationf("echo", "change %d of writer %d came back to it, at revision %d", r.number, r.writer, revision)
	case r.number < want:
		return violationf("duplicate", "change %d of writer %d came again, at revision %d", r.number, r.writer, revision)
	case r.number > want:
		return violationf("gap", "change %d of writer %d came where %d was due, at revision %d", r.number, r.writer, want, revision)
	}
	f.next[r.writer]++
	f.received++
	return nil
}
