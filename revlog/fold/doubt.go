package fold

import (
	"syncabled/conflict"
	"syncabled/protocol"
	"syncabled/revlog"
)

// A Doubt says what of an object a client may hold otherwise than the log: nothing,
// what is at some key paths, or all of it. What is not in doubt is not sent again,
// because what the client has there may be more than JSON can say, such as a Blob.
type Doubt struct {
	whole bool
	paths conflict.Paths
}

// maxDoubt is the size of key paths, in bytes, up to which they are told apart.
const maxDoubt = 64 << 10

// WholeDoubt returns the doubt about a whole object.
func WholeDoubt() Doubt { return Doubt{whole: true} }

// IsNone reports whether nothing is in doubt.
func (d *Doubt) IsNone() bool { return !d.whole && d.paths.IsEmpty() }

// Add adds what a change touches, or what a mark is about.
func (d *Doubt) Add(c protocol.Change) {
	if d.whole {
		return
	}
	if c.Mods == nil || !ruleNarrow || !d.paths.Add(c.Mods, maxDoubt) {
		*d = WholeDoubt()
	}
}

// addAll adds all that is in another doubt.
func (d *Doubt) addAll(other Doubt) {
	if !other.IsNone() {
		d.Add(protocol.Change{Mods: other.mods()})
	}
}

// mods returns the key paths in doubt as the mods of an UPDATE that sets each to null. It
// returns nil if the object is in doubt whole.
func (d *Doubt) mods() []byte {
	if d.whole {
		return nil
	}
	return d.paths.AppendMods(nil)
}

// Resolve returns the change that tells a client what an object has where it is in
// doubt. A nil object does not exist.
func (d *Doubt) Resolve(table string, key protocol.Key, obj []byte) protocol.Change {
	c := protocol.Change{Type: protocol.Delete, Table: table, Key: key}
	if obj == nil {
		return c
	}
	if !d.whole {
		if mods, ok := d.paths.Of(obj); ok {
			c.Type, c.Mods = protocol.Update, mods
			return c
		}
	}
	c.Type, c.Obj = protocol.Create, obj
	return c
}

// doubtAfter returns what the entries of an object after a revision touched, those of the
// client included, and what marks for it there are about.
func doubtAfter(h History, obj Object, after protocol.Revision, client uint64) (d Doubt, err error) {
	for rev := obj.Last; rev > after && !d.whole; {
		e, err := h.Entry(rev)
		if err != nil {
			return d, err
		}
		rev = e.Previous
		if !e.IsMark() || e.Client == client {
			d.Add(e.Change)
		}
	}
	return d, nil
}

// DoubtOfResync returns what a resync is to give a client of an object: what entries in
// (after, to] touched, and what marks there are about, whoever they are for, because the
// client may have had another identity. It is nothing if they are all its own changes,
// unless own is set.
func DoubtOfResync(h History, last, after, to protocol.Revision, client uint64, own bool) (d Doubt, err error) {
	onlyOwn := !own && ruleSpare
	for rev := last; rev > after && (onlyOwn || !d.whole); {
		e, err := h.Entry(rev)
		if err != nil {
			return d, err
		}
		rev = e.Previous
		if e.Revision > to {
			continue
		}
		onlyOwn = onlyOwn && isOwn(e, client)
		d.Add(e.Change)
	}
	if onlyOwn {
		return Doubt{}, nil
	}
	return d, nil
}

// isOwn reports whether an entry is a change of a client.
func isOwn(e revlog.Entry, client uint64) bool { return !e.IsMark() && e.Client == client }
