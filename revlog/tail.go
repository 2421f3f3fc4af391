package revlog

import (
	"errors"

	"syncabled/protocol"
)

// A tail holds the last entries of the log in memory. Readers that keep up find
// all they need in it. Its elements never change, so that readers may go on with
// what they got while the tail moves.
type tail struct {
	entries []entry // at consecutive revisions
	most    int     // entries it may hold
	size    int     // bytes, roughly
}

// tailBytes is the size that a tail may have.
const tailBytes = 4 << 20

func (t *tail) add(entries []entry) {
	if n := len(t.entries) + len(entries); n > cap(t.entries) {
		// With much room ahead, little is moved for each entry.
		t.entries = append(make([]entry, 0, 2*n), t.entries...)
	}
	t.entries = append(t.entries, entries...)
	for _, e := range entries {
		t.size += e.size()
	}
	drop := 0
	for ; drop < len(t.entries) && (len(t.entries)-drop > t.most || t.size > tailBytes); drop++ {
		t.size -= t.entries[drop].size()
	}
	t.entries = t.entries[drop:]
}

// size is what an entry takes in memory, roughly.
func (e entry) size() int {
	return perObject + len(e.change.Table) + len(e.change.Key) + len(e.change.Obj) + len(e.change.Mods)
}

// after returns the entries after a revision. It returns nil if the tail does not
// reach back that far, or there are none.
func (t *tail) after(rev protocol.Revision) recent {
	if n := len(t.entries); n == 0 || t.entries[0].revision > rev+1 || t.entries[n-1].revision <= rev {
		return nil
	}
	return t.entries[rev+1-t.entries[0].revision:]
}

// recent is a run of entries in memory, at consecutive revisions.
type recent []entry

// errBeyond is returned for an entry that is not in memory.
var errBeyond = errors.New("entry is not in memory")

func (r recent) entry(rev protocol.Revision) (entry, error) {
	if rev < r[0].revision {
		return entry{}, errBeyond
	}
	return r[rev-r[0].revision], nil
}

func (r recent) each(after, to protocol.Revision, visit func(entry) error) error {
	for _, e := range r[after+1-r[0].revision:] {
		if e.revision > to {
			return nil
		}
		if err := visit(e); err != nil {
			return err
		}
	}
	return nil
}
