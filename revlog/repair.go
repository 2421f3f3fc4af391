package revlog

import (
	"bytes"

	"syncabled/protocol"
)

// This file is what the log does when it cannot know what a client holds of an
// object: after a lost acknowledgement, a crash, or two connections at once.
//
// A repair is a mark in the log, an entry of the object that is meant for one
// client. To everybody else it says nothing. That client, when it reads past the
// mark, gets the object's present value, own changes included. The mark has a
// revision of its own, so it is known whether the client had got there when it
// made a change: if a change to the object has a base before the mark, the two
// crossed, and the object is marked again.
//
// A resync does the same for everything after a position, with one mark.
//
// A change of a client that may only read is resolved like any other. If something
// would be appended then, the object is marked instead: the change stays with the
// client until the mark undoes it. If nothing would be, the client ends with what
// the log has without. Such a client could fill the log with marks, so an object
// gets no second one while the first has not been sent: what has come in by now was
// made before that one arrives, and is undone with the rest. A change to such an
// object that comes in later, with a base below the mark, has crossed it as always.

// repairs are the objects to mark for a client at the end of a set, in order.
type repairs struct {
	client uint64
	keys   []string
	listed map[string]bool
}

func newRepairs(c client) *repairs {
	return &repairs{client: c.number}
}

func (r *repairs) add(key string) {
	if !ruleMark || r.listed[key] {
		return
	}
	if r.listed == nil {
		r.listed = map[string]bool{}
	}
	r.listed[key] = true
	r.keys = append(r.keys, key)
}

// addUnheard adds objects of a set that came over several connections: those
// created by the last message of a connection, which may not have heard that it
// was held. What the client has deleted since is in no later message, because
// in an initial upload it sends what is there. What later messages mention needs
// no repair.
func (r *repairs) addUnheard(parts []part) {
	if !ruleUnheard || parts[0].connection == parts[len(parts)-1].connection {
		return
	}
	mentioned := map[string]bool{}
	for i := len(parts) - 1; i >= 0; i-- {
		last := i+1 < len(parts) && parts[i].connection != parts[i+1].connection
		for _, change := range parts[i].changes {
			key := objectKey(change.Table, change.Key)
			if last && change.Type == protocol.Create && !mentioned[key] {
				r.add(key)
			}
		}
		for _, change := range parts[i].changes {
			mentioned[objectKey(change.Table, change.Key)] = true
		}
	}
}

// mark appends the marks of repairs.
func (f *fold) mark(r *repairs) error {
	f.outcome.Repaired += len(r.keys)
	for _, key := range r.keys {
		obj, err := f.object(key)
		if err != nil {
			return err
		}
		table, name := splitObjectKey(key)
		e := entry{
			revision: f.head() + 1,
			client:   r.client,
			previous: obj.last,
			change:   protocol.Change{Type: typeRepair, Table: table, Key: protocol.Key(name)},
		}
		f.entries = append(f.entries, e)
		f.objects[key] = obj.after(e, bytes.Clone(obj.value)) // it outlives the transaction
	}
	return nil
}

// announce appends the mark of a resync. The one before goes on to count, in one
// with it, as long as a change may come that was made before it: one that is
// held, or, unless the client has got beyond it, a new one.
func (f *fold) announce(set Set, c client, holds bool) {
	e := entry{revision: f.head() + 1, client: c.number, previous: set.Base, change: protocol.Change{Type: typeResync}}
	f.entries = append(f.entries, e)
	f.outcome.Resyncs++
	from := set.Base
	if ruleJoin && (holds || c.base < c.resync.at) {
		from = min(from, c.resync.from)
	}
	c.resync = resync{from: from, at: e.revision}
	f.remember(set.Client, c)
}

// covers reports whether a resync gave the client an object after it made a
// change to it with a base.
func (r resync) covers(h history, obj object, base protocol.Revision) (bool, error) {
	if base >= r.at || !ruleResynced {
		return false, nil
	}
	for rev := obj.last; rev > r.from; {
		if rev < r.at {
			return true, nil
		}
		e, err := h.entry(rev)
		if err != nil {
			return false, err
		}
		rev = e.previous
	}
	return false, nil
}

// isDoubtful reports whether it matters if a client made a change before or after
// it got what others did to the object, and cannot be known. Dexie.Syncable takes
// the base of a set before it takes the changes, and may apply a batch in between.
func (f *fold) isDoubtful(c client, p *part, change protocol.Change, obj object) (bool, error) {
	if p.sent <= p.base || !ruleDoubt {
		return false, nil
	}
	sent, _, err := effect(f, obj.last, p.base, p.sent, c.number)
	return !sent.Spares(change), err
}

// awaitsRepair reports whether an object has a mark for a client that it has not
// been sent: the highest position it may have got to is seen.
func (f *fold) awaitsRepair(c client, seen protocol.Revision, obj object) (bool, error) {
	_, awaits, err := effect(f, obj.last, seen, f.head(), c.number)
	return awaits, err
}

// refuse keeps what was left out of a set, and has its objects repaired. What a
// client sends that may only read is of no interest to the operator.
func (f *fold) refuse(c client, set Set, repairs *repairs) error {
	for _, refusal := range set.Refused {
		if !set.ReadOnly {
			f.refused = append(f.refused, refused{c.number, set.Time, refusal})
		}
		if !ruleRefused || refusal.Key == "" {
			continue
		}
		key, awaits := objectKey(refusal.Table, refusal.Key), false
		if set.ReadOnly {
			obj, err := f.object(key)
			if err != nil {
				return err
			}
			if awaits, err = f.awaitsRepair(c, max(set.Base, set.Sent), obj); err != nil {
				return err
			}
		}
		if !awaits {
			repairs.add(key)
		}
	}
	return nil
}
