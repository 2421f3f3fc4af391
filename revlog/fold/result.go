package fold

import (
	"syncabled/protocol"
	"syncabled/revlog"
)

// A Result is what commands add to the state of a view, for a store to write.
type Result struct {
	Base    protocol.Revision // head of the view
	Entries []revlog.Entry    // at revisions Base+1, Base+2, ...
	Objects map[string]Object // that changed, by [ObjectKey]

	Clients    map[string]Client // that changed, by identity; zero if it stands for no client any more
	Identities []string          // of Clients, in the order of their changes; one may be there twice
	LastClient uint64            // highest number given to a client

	Held    map[uint64]*HeldDelta // those of which something is, or was, held, by the client's number
	Refused []revlog.Refused

	Appeared int // objects that are there now and were not, less those that are gone
	Outcome  revlog.Outcome
}

// A HeldDelta is what becomes of the held part of a client's set.
type HeldDelta struct {
	Stored  int    // messages in the view
	Dropped bool   // those are used up
	Added   []Part // after them
}

func emptyResult() Result {
	return Result{Objects: map[string]Object{}, Clients: map[string]Client{}, Held: map[uint64]*HeldDelta{}}
}

// reset makes the result an empty one in the memory of the old, unless that is large.
func (r *Result) reset() {
	const much = 4 << 10 // entries
	if cap(r.Entries) > much {
		*r = emptyResult()
		return
	}
	clear(r.Entries)
	clear(r.Identities)
	clear(r.Objects)
	clear(r.Clients)
	clear(r.Held)
	*r = Result{Entries: r.Entries[:0], Identities: r.Identities[:0], Objects: r.Objects, Clients: r.Clients, Held: r.Held}
}

// Head returns the revision of the last entry.
func (r *Result) Head() protocol.Revision {
	return r.Base + protocol.Revision(len(r.Entries))
}

// IsEmpty reports whether there is nothing to write.
func (r *Result) IsEmpty() bool {
	if len(r.Entries)+len(r.Identities)+len(r.Refused) > 0 {
		return false
	}
	for _, h := range r.Held {
		if h.Dropped && h.Stored > 0 || len(h.Added) > 0 {
			return false
		}
	}
	return true
}
