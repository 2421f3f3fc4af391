package revlog

import (
	"bytes"
	"time"

	"syncabled/protocol"
)

// A Commit is what became of a group of sets that were written to the file
// together, or were to be.
type Commit struct {
	Sets     int           // in the group
	Entries  int           // that it added to the log
	Duration time.Duration // of resolving, writing and syncing
	Outcome  Outcome       // zero if it failed
	Err      error         // why nothing was written; the sets are tried again one by one if there are several
}

// An Outcome counts what became of changes that did not go into the log as they
// came.
type Outcome struct {
	Trimmed  int // updates of which others were faster with some key paths
	Merged   int // objects that a client created anew and that took in what others had updated
	Dropped  int // changes of which nothing was left
	Repaired int // objects that their client is sent again
	Refused  int // changes that can never be accepted
	Resyncs  int // clients that were sent everything anew
}

// noteConflict counts a change that others were faster with, of which rest is
// left, if anything.
func (o *Outcome) noteConflict(change, rest protocol.Change, isLeft bool) {
	switch {
	case !isLeft:
		o.Dropped++
	case !bytes.Equal(change.Mods, rest.Mods):
		o.Trimmed++
	case !bytes.Equal(change.Obj, rest.Obj):
		o.Merged++
	}
}

// observe tells who wants to know of a group that was committed or failed. One
// that had nothing to store cost no more than its reading.
func (db *DB) observe(group []*request, f *fold, started time.Time, err error) {
	if db.options.Observe == nil || err == nil && f.empty() {
		return
	}
	c := Commit{Sets: len(group), Duration: time.Since(started), Err: err}
	if err == nil {
		c.Entries, c.Outcome = len(f.entries), f.outcome
		c.Outcome.Refused = len(f.refused)
	}
	db.options.Observe(c)
}
