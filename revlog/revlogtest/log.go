package revlogtest

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"syncabled/protocol"
	"syncabled/revlog"
)

// A Log is a log under test. Its methods fail the test if the log does.
type Log struct {
	revlog.Log
	tb    testing.TB
	store Store
}

// Open opens the log of a store.
func Open(tb testing.TB, store Store) *Log {
	tb.Helper()
	return &Log{Log: store.Open(tb), tb: tb, store: store}
}

// Reopens closes the log and opens it again.
func (l *Log) Reopens() {
	l.tb.Helper()
	if err := l.Close(); err != nil {
		l.tb.Fatalf("close: %v", err)
	}
	l.Log = l.store.Open(l.tb)
}

// Crashes ends the log as the end of its process would, and opens it again.
func (l *Log) Crashes() {
	l.tb.Helper()
	l.store.Crash(l.tb, l.Log)
	l.Log = l.store.Open(l.tb)
}

// stranger is a reader that never writes.
const stranger = "stranger"

// Position returns the position of a reader that has read everything.
func (l *Log) Position() protocol.Revision {
	l.tb.Helper()
	before, err := l.Head()
	if err != nil {
		l.tb.Fatalf("head: %v", err)
	}
	head := l.read(revlog.Query{Reader: stranger, MaxChanges: 1}).Revision
	if head < before {
		l.tb.Errorf("a batch leads to revision %d, the head was %d before", head, before)
	}
	return head
}

// Objects returns everything there is, as a client sees it that comes for the
// first time, but for what was deleted.
func (l *Log) Objects() []protocol.Change {
	l.tb.Helper()
	var objects []protocol.Change
	for _, change := range l.ReadAll(stranger, 0) {
		if change.Type != protocol.Delete {
			objects = append(objects, change)
		}
	}
	return objects
}

// ReadAll returns all pages of a batch as one.
func (l *Log) ReadAll(reader string, after protocol.Revision) []protocol.Change {
	l.tb.Helper()
	batch := l.batch(revlog.Query{Reader: reader, After: after}, nil)
	return batch.Changes
}

// batch reads a batch page by page, checks that the pages make sense, and
// returns them as one. It calls between, if it is not nil, after each page that
// is not the last.
func (l *Log) batch(q revlog.Query, between func()) revlog.Page {
	l.tb.Helper()
	whole := l.read(q)
	for last := whole; last.Partial; {
		if len(last.Changes) == 0 {
			l.tb.Fatalf("a page of %+v is empty but not the last", q)
		}
		if between != nil {
			between()
		}
		q.Cursor = last.Next
		last = l.read(q)
		if last.Revision != whole.Revision {
			l.tb.Fatalf("a page leads to revision %d, the one before to %d", last.Revision, whole.Revision)
		}
		whole.Changes = append(whole.Changes, last.Changes...)
	}
	l.checkBatch(whole.Changes)
	if whole.Revision > 0 {
		l.checkText(q, whole)
	}
	return whole
}

func (l *Log) read(q revlog.Query) revlog.Page {
	l.tb.Helper()
	page, err := l.Read(l.tb.Context(), q)
	if err != nil {
		l.tb.Fatalf("read %+v: %v", q, err)
	}
	return page
}

// checkText reads a batch again as text, which has to hold the same changes.
func (l *Log) checkText(q revlog.Query, batch revlog.Page) {
	l.tb.Helper()
	const before = "before"
	var got, want []string
	q.Cursor, q.UpTo, q.Encoder, q.Text = nil, batch.Revision, protocol.ListEncoder{}, []byte(before)
	for page := (revlog.Page{Partial: true}); page.Partial; q.Cursor = page.Next {
		page = l.read(q)
		list := slices.Concat([]byte("["), bytes.TrimPrefix(page.Text, []byte(before)), []byte("]"))
		count := len(got)
		for _, change := range protocol.Elements(list) {
			got = append(got, string(change))
		}
		if page.Changes != nil || page.Count != len(got)-count || !bytes.HasPrefix(page.Text, []byte(before)) {
			l.tb.Errorf("a page of %d changes has %v and the text %q", page.Count, page.Changes, page.Text)
		}
	}
	for _, change := range batch.Changes {
		want = append(want, string(protocol.AppendChange(nil, change)))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		l.tb.Errorf("as text, the changes are %q, want %q", got, want)
	}
}

// checkBatch checks what every batch is promised to be.
func (l *Log) checkBatch(changes []protocol.Change) {
	l.tb.Helper()
	type name struct {
		table string
		key   protocol.Key
	}
	seen := map[name]bool{}
	for _, change := range changes {
		object := name{change.Table, change.Key}
		if seen[object] {
			l.tb.Errorf("a batch has two changes of %+v", object)
		}
		seen[object] = true
	}
}

// submit submits a command that must be accepted.
func (l *Log) submit(c revlog.Command) revlog.Receipt {
	l.tb.Helper()
	receipt, err := l.Submit(l.tb.Context(), arrived(c))
	if err != nil {
		l.tb.Fatalf("submit %+v: %v", c, err)
	}
	return receipt
}

// arrived returns a command that arrives when all do.
func arrived(c revlog.Command) revlog.Command {
	switch c := c.(type) {
	case revlog.Set:
		c.Time = arrival
		return c
	case revlog.Subscribe:
		c.Time = arrival
		return c
	case revlog.Resync:
		c.Time = arrival
		return c
	case revlog.Finish:
		c.Time = arrival
		return c
	}
	return c
}

// arrival is when all sets arrive. No behaviour depends on it.
var arrival = time.Unix(1_800_000_000, 0)
