package fold

import (
	"bytes"

	"syncabled/conflict"
	"syncabled/protocol"
	"syncabled/revlog"
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
// client until the mark undoes it. If nothing would be, the client ends with what the
// log has anyway, without a mark. Such a client could fill the log with marks, so an
// object gets no second one while the first has not been sent: what has come in by now
// was made before that one arrives, and is undone with the rest. A change to such an
// object that comes in later, with a base below the mark, has crossed it as always.

// A mark says no more than the doubt is about: the key paths of the change in question,
// and those that entries and the client's earlier marks touched since its base. It is
// about the whole object where that is no answer.

// repairs are the objects to mark for a client at the end of a set, in order.
type repairs struct {
	client uint64
	keys   []string
	doubts map[string]*Doubt

	awaited map[string]bool // objects that have their mark, and are not to be marked again
}

func newRepairs(c Client) *repairs {
	return &repairs{client: c.Number}
}

func (r *repairs) add(key string, d Doubt) {
	if !ruleMark || d.IsNone() {
		return
	}
	if known := r.doubts[key]; known != nil {
		known.addAll(d)
		return
	}
	if r.doubts == nil {
		r.doubts = map[string]*Doubt{}
	}
	r.doubts[key] = &d
	r.keys = append(r.keys, key)
}

// isSettled reports whether it is known what becomes of an object that a client changes
// that may only read: it is repaired whole, or awaits a repair.
func (r *repairs) isSettled(key string) bool {
	d := r.doubts[key]
	return d != nil && d.whole || r.awaited[key]
}

func (r *repairs) settle(key string) {
	if r.awaited == nil {
		r.awaited = map[string]bool{}
	}
	r.awaited[key] = true
}

// mark appends the marks of repairs.
func (f *Fold) mark(r *repairs) error {
	f.result.Outcome.Repaired += len(r.keys)
	for _, key := range r.keys {
		obj, err := f.object(key)
		if err != nil {
			return err
		}
		table, name := SplitObjectKey(key)
		change := protocol.Change{Type: revlog.MarkRepair, Table: table, Key: protocol.Key(name), Mods: r.doubts[key].mods()}
		if change.Mods != nil {
			goesWhole, err := f.needsCreate(change, obj.Value)
			if err != nil {
				return err
			}
			if goesWhole {
				change.Mods = nil
			}
		}
		value := bytes.Clone(obj.Value) // it outlives the transaction
		f.appendEntry(key, obj, revlog.Entry{Client: r.client, Change: change}, value)
	}
	return nil
}

// doubtOf returns what of an object is in doubt after a change of a client.
func (f *Fold) doubtOf(c Client, change protocol.Change, obj Object, after protocol.Revision) (Doubt, error) {
	d, err := doubtAfter(f, obj, after, c.Number)
	d.Add(change)
	return d, err
}

// doubtOfStale returns what of an object is in doubt after a change of a message that may
// be older than what the log has of its client, or made on top of more than it says. It
// is whole if others have touched the object since its base. Otherwise it is what an
// older change would undo, which is nothing if the object is as it would make it.
func doubtOfStale(p *Part, change protocol.Change, obj Object, others conflict.Effect) (d Doubt) {
	if p.readOnly || others.Type() != 0 || !ruleStored {
		return WholeDoubt()
	}
	if !p.Stale {
		return d
	}
	value := conflict.Apply(obj.Value, change)
	switch {
	case obj.has(value):
		return d
	case change.Type == protocol.Update:
		d.Add(change)
		return d
	case !ruleNarrow || !d.paths.AddDifference(obj.Value, value):
		return WholeDoubt()
	}
	return d
}

// resync appends the mark of a resync. The one before goes on to count, in one
// with it, as long as a change may come that was made before it: one that is
// held, or, unless the client has got beyond it, a new one.
func (f *Fold) resync(r revlog.Resync) error {
	if err := checkIdentity(r.Client); err != nil {
		return err
	}
	c, err := f.client(r.Client)
	if err != nil {
		return err
	}
	c = f.touch(r.Client, c, r.Time, 0)
	h, err := f.held(c.Number)
	if err != nil {
		return err
	}
	repairs := newRepairs(c)
	for _, object := range r.Missing {
		repairs.add(ObjectKey(object.Table, object.Key), WholeDoubt())
	}
	if err := f.mark(repairs); err != nil {
		return err
	}
	base := f.knownBase(r.Base)
	e := revlog.Entry{Revision: f.head() + 1, Client: c.Number, Previous: base, Change: protocol.Change{Type: revlog.MarkResync}}
	f.result.Entries = append(f.result.Entries, e)
	f.result.Outcome.Resyncs++
	from, own := base, r.Own
	if ruleJoin && c.Resync.At > 0 && (!h.isEmpty() || c.Base < c.Resync.At) {
		from, own = min(from, c.Resync.From), own || c.Resync.Own
	}
	c.Resync = Resync{From: from, At: e.Revision, Own: own}
	c.Strayed = c.Strayed && r.Own
	f.stage(r.Client, c)
	return nil
}

// covers reports whether a resync gave the client an object after it made a
// change to it with a base.
func (r Resync) covers(h History, client uint64, obj Object, base protocol.Revision) (bool, error) {
	if base >= r.At || !ruleResynced {
		return false, nil
	}
	for rev := obj.Last; rev > r.From; {
		e, err := h.Entry(rev)
		if err != nil {
			return false, err
		}
		if rev < r.At && (r.Own || !isOwn(e, client) || !ruleSpare) {
			return true, nil
		}
		rev = e.Previous
	}
	return false, nil
}

// isDoubtful reports whether the result depends on whether the client made a change
// before or after it got what others did to the object, while that is unknown.
// Dexie.Syncable takes the base of a set before it takes the changes, and may apply a
// batch in between.
func (f *Fold) isDoubtful(c Client, p *Part, change protocol.Change, obj Object) (bool, error) {
	if p.sent <= p.Base || !ruleDoubt {
		return false, nil
	}
	sent, _, err := NetEffect(f, obj.Last, p.Base, p.sent, c.Number)
	return !sent.Spares(change), err
}

// awaitsRepair reports whether an object has a mark for a client that it has not
// been sent. Seen is the highest position that the client may have reached.
func (f *Fold) awaitsRepair(c Client, seen protocol.Revision, obj Object) (bool, error) {
	_, marked, err := NetEffect(f, obj.Last, seen, f.head(), c.Number)
	return !marked.IsNone(), err
}
