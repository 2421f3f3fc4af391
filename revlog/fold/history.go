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
// that do not come from the given client, and what its marks there say that the client
// may hold otherwise. The chain of entries is walked from the object's last one back,
// no further than to an entry that makes those before it irrelevant.
func NetEffect(h History, last, after, to protocol.Revision, client uint64) (net conflict.Effect, marked Doubt, err error) {
	var sequence []protocol.Change
	for rev := last; rev > after; {
		e, err := h.Entry(rev)
		if err != nil {
			return net, Doubt{}, err
		}
		rev = e.Previous
		switch {
		case e.Revision > to:
		case e.IsMark():
			if e.Client == client {
				marked.Add(e.Change)
			}
		case e.Client != client || !ruleOwn:
			sequence = append(sequence, e.Change)
			if e.Change.Type != protocol.Update {
				rev = 0
			}
		}
	}
	for _, change := range slices.Backward(sequence) {
		net = net.Then(change)
	}
	return net, marked, nil
}

// IsOneOfSeveral reports whether an entry is not the first one of its object in a batch
// that begins after a position. Such a batch has one change of the object.
func IsOneOfSeveral(e revlog.Entry, after protocol.Revision) bool {
	return ruleNet && e.Previous > after && e.Change.Type != revlog.MarkResync
}
