package revlog

import (
	"slices"

	"syncabled/conflict"
	"syncabled/protocol"
)

// A history finds entries by revision.
type history interface {
	entry(rev protocol.Revision) (entry, error)
}

// effect returns the net effect of the entries of one object in (after, to]
// that do not come from a client, and whether the object was repaired for that
// client there. The chain of entries is walked from the object's last one back,
// no further than to an entry that makes those before it irrelevant.
func effect(h history, last, after, to protocol.Revision, client uint64) (net conflict.Effect, repaired bool, err error) {
	var run []protocol.Change
	for rev := last; rev > after; {
		e, err := h.entry(rev)
		if err != nil {
			return net, false, err
		}
		rev = e.previous
		switch {
		case e.revision > to:
		case e.isMark():
			repaired = repaired || e.client == client
		case e.client != client || !ruleOwn:
			run = append(run, e.change)
			if e.change.Type != protocol.Update {
				rev = 0
			}
		}
	}
	for _, change := range slices.Backward(run) {
		net = net.Then(change)
	}
	return net, repaired, nil
}
