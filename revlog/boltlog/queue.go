package boltlog

import (
	"cmp"
	"slices"
	"time"

	"syncabled/revlog"
)

// This file says which of the requests that wait are the next group.
//
// If all of them make one group, they are. Otherwise a group has of each client the
// request that came first, of those as many as fit, and the smallest first: who sends a
// little should not wait for all who send a lot. The oldest one comes with them once it
// has waited for patience. One that is too large for a group makes one alone, so that
// nobody else waits for its end to be answered; but after that, the others have a group
// first. So of the large ones at most one is between a small one and its group.

const (
	// maxGroupWeight is what makes a group.
	maxGroupWeight = 8 << 20

	// changeWeight is what a change weighs besides its bytes.
	changeWeight = 200

	patience = time.Second
)

// weigh returns what it takes to commit a command, in bytes, roughly.
func (s *store) weigh(c revlog.Command) int {
	switch c := c.(type) {
	case revlog.Set:
		weight := sizeOfChanges(c.Changes) + changeWeight*len(c.Changes)
		if !c.Partial {
			weight += s.heldOf(c.Client)
		}
		return weight
	case revlog.Finish:
		return s.heldOf(c.Client)
	}
	return 0
}

// heldOf returns what is held of a client, if the client is known by now.
func (s *store) heldOf(identity string) int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.held.total == 0 {
		return 0
	}
	return s.held.byClient[s.clients[identity].Number].bytes
}

// take returns the requests that are the next group, and no request twice.
func (o *order) take(now time.Time) []*request {
	o.mu.Lock()
	defer o.mu.Unlock()
	group := o.waiting
	if o.weight > maxGroupWeight && len(group) > 1 {
		group = o.choose(now)
	} else {
		o.waiting, o.weight = nil, 0
	}
	o.taken = group
	return group
}

// choose takes a group of what waits, which is too much for one. The caller holds mu.
func (o *order) choose(now time.Time) []*request {
	next := o.candidates(now)
	oldest := next[0]
	slices.SortStableFunc(next, func(a, b *request) int { return cmp.Compare(a.weight, b.weight) })
	isDue := now.Sub(oldest.passed) >= patience
	isLarge := oldest.weight > maxGroupWeight
	if allLarge := next[0].weight > maxGroupWeight; allLarge || isDue && isLarge && !o.tookLarge {
		o.tookLarge = true
		if isDue {
			return o.remove([]*request{oldest})
		}
		return o.remove(next[:1])
	}
	o.tookLarge = false
	var group []*request
	if isDue && !isLarge {
		group = append(group, oldest)
	} else {
		oldest = nil
	}
	weight := 0
	for _, r := range next {
		if r == oldest {
			continue
		}
		if weight += r.weight; weight > maxGroupWeight {
			break
		}
		group = append(group, r)
	}
	return o.remove(group)
}

// candidates returns the requests before which none waits of the same client, oldest
// first.
func (o *order) candidates(now time.Time) []*request {
	var next []*request
	seen := map[string]bool{}
	for _, r := range o.waiting {
		if r.passed.IsZero() {
			r.passed = now
		}
		clients := r.command.Clients()
		if !slices.ContainsFunc(clients, func(identity string) bool { return seen[identity] }) {
			next = append(next, r)
		}
		for _, identity := range clients {
			seen[identity] = true
		}
	}
	return next
}

// remove takes requests off those that wait.
func (o *order) remove(group []*request) []*request {
	taken := make(map[*request]bool, len(group))
	for _, r := range group {
		taken[r] = true
		o.weight -= r.weight
	}
	var rest []*request // the array of those before is with other groups
	for _, r := range o.waiting {
		if !taken[r] {
			rest = append(rest, r)
		}
	}
	o.waiting = rest
	return group
}
