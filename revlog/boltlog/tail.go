package boltlog

import (
	"errors"

	"syncabled/protocol"
	"syncabled/revlog"
)

// A tail holds the last entries of the log in memory. Readers that keep up find
// all they need in it. Its elements never change, so that readers may go on with
// what they got while the tail moves.
type tail struct {
	entries []revlog.Entry // at consecutive revisions
	max     int            // entries it may hold
	size    int            // bytes, roughly
}

// maxTailBytes is the size that a tail may have.
const maxTailBytes = 4 << 20

func (t *tail) add(entries []revlog.Entry) {
	if n := len(t.entries) + len(entries); n > cap(t.entries) {
		// With much room ahead, little is moved for each entry.
		t.entries = append(make([]revlog.Entry, 0, 2*n), t.entries...)
	}
	t.entries = append(t.entries, entries...)
	for _, e := range entries {
		t.size += sizeOf(e)
	}
	drop := 0
	for ; drop < len(t.entries) && (len(t.entries)-drop > t.max || t.size > maxTailBytes); drop++ {
		t.size -= sizeOf(t.entries[drop])
	}
	t.entries = t.entries[drop:]
}

// sizeOf returns what an entry takes in memory, roughly.
func sizeOf(e revlog.Entry) int {
	c := e.Change
	return objectOverhead + len(c.Table) + len(c.Key) + len(c.Obj) + len(c.Mods)
}

// after returns the entries after a revision. It returns nil if the tail does not
// reach back that far, or there are none.
func (t *tail) after(rev protocol.Revision) recent {
	if n := len(t.entries); n == 0 || t.entries[0].Revision > rev+1 || t.entries[n-1].Revision <= rev {
		return nil
	}
	return t.entries[rev+1-t.entries[0].Revision:]
}

// recent is a sequence of entries in memory, at consecutive revisions.
type recent []revlog.Entry

// errBeyond is returned for an entry that is not in memory.
var errBeyond = errors.New("entry is not in memory")

func (r recent) Entry(rev protocol.Revision) (revlog.Entry, error) {
	if rev < r[0].Revision {
		return revlog.Entry{}, errBeyond
	}
	return r[rev-r[0].Revision], nil
}

func (r recent) each(after, to protocol.Revision, visit func(revlog.Entry) error) error {
	for _, e := range r[after+1-r[0].Revision:] {
		if e.Revision > to {
			return nil
		}
		if err := visit(e); err != nil {
			return err
		}
	}
	return nil
}
