package fold

import (
	"slices"

	"syncabled/conflict"
	"syncabled/protocol"
	"syncabled/revlog"
)

// A History finds entries by revision.
type History interface {
	Entry(rev protocol.Revision) (revlog.Entry, error)
}

// NetEffect returns the net effect of the entries of one object in (after, to]
// that do not come from the given client, and whether the object was repaired for that
// client there. The chain of entries is walked from the object's last one back,
// no further than to an entry that makes those before it irrelevant.
func NetEffect(h History, last, after, to protocol.Revision, client uint64) (net conflict.Effect, repaired bool, err error) {
	past, err := walk(h, last, after, to, client)
	for _, change := range slices.Backward(past.changes) {
		net = net.Then(change)
	}
	return net, past.repaired, err
}

// A past is what others did to an object.
type past struct {
	changes  []protocol.Change // the last one first
	repaired bool              // for the client
	cut      bool              // the first of the changes makes those before it irrelevant
	walked   int               // entries that were looked at
}

// walk looks at the entries of an object in (after, to].
func walk(h History, last, after, to protocol.Revision, client uint64) (p past, err error) {
	for rev := last; rev > after && !p.cut; p.walked++ {
		e, err := h.Entry(rev)
		if err != nil {
			return past{}, err
		}
		rev = e.Previous
		switch {
		case e.Revision > to:
		case e.IsMark():
			p.repaired = p.repaired || e.Client == client
		case e.Client != client || !ruleOwn:
			p.changes = append(p.changes, e.Change)
			p.cut = e.Change.Type != protocol.Update
		}
	}
	return p, nil
}

// IsOneOfSeveral reports whether an entry is not the first one of its object in a batch
// that begins after a position. Such a batch has one change of the object.
func IsOneOfSeveral(e revlog.Entry, after protocol.Revision) bool {
	return ruleNet && e.Previous > after && e.Change.Type != revlog.MarkResync
}
