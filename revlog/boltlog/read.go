package boltlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/revlog/fold"
)

const (
	defaultPageChanges = 50_000
	defaultPageBytes   = 8 << 20
)

// Read returns a page of what a reader has not seen.
//
// A batch takes the reader from its position to the head as of the first page;
// what is committed meanwhile belongs to the next batch. It is read from the end
// of the log in memory, from the log in the file, or, from position 0, from the
// objects. No page depends on a transaction of the page before.
func (s *store) Read(ctx context.Context, q revlog.Query) (revlog.Page, error) {
	q.MaxChanges = cmp.Or(q.MaxChanges, defaultPageChanges)
	q.MaxBytes = cmp.Or(q.MaxBytes, defaultPageBytes)
	if s.file.hasEnded() {
		return revlog.Page{}, s.file.whyEnded()
	}
	s.mu.RLock()
	head, recent, number := s.head, s.tail.after(q.After), s.clients[q.Reader].Number
	s.mu.RUnlock()

	c, err := cursorOf(q, head)
	if err != nil {
		return revlog.Page{}, err
	}
	if err := s.checkPosition(q.After, head); err != nil {
		return revlog.Page{}, err
	}
	if q.After >= c.head && q.Anew == nil {
		return revlog.Page{Revision: c.head, Text: q.Text}, nil
	}
	if recent != nil && c.object == "" && !q.Snapshot && !q.Mine && q.Anew == nil {
		b := newPageBuilder(q, c)
		b.reader = number
		if page, err := b.finish(b.readEntries(ctx, recent)); !errors.Is(err, errBeyond) {
			if q.Reader == "" {
				page.Clients, page.Tables = s.clientsOf(recent, c.head), tablesOf(recent, c.head)
			}
			return page, err
		}
	}
	b := newPageBuilder(q, c)
	if err := b.readAnew(ctx, s); err != nil {
		return b.finish(err)
	}
	if q.After == 0 && c.superseded == nil { // else the batch began in memory
		return b.finish(b.readObjects(ctx, s))
	}
	return b.finish(b.fromFile(s, func(v *txView) error { return b.readEntries(ctx, v) }))
}

// checkPosition refuses a position that the log does not have.
func (s *store) checkPosition(position, head protocol.Revision) error {
	if position > head {
		return revlog.ErrAhead
	}
	for _, g := range s.gaps {
		if position > g.after && position < g.to {
			return &revlog.GapError{After: g.after, To: g.to}
		}
	}
	return nil
}

// clientsOf returns the clients of entries up to a revision, nil if one is unknown.
func (s *store) clientsOf(entries recent, to protocol.Revision) []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	found := []string{}
	before := uint64(fold.Nobody)
	for _, e := range entries {
		if e.Revision > to {
			break
		}
		if e.Client == before {
			continue
		}
		before = e.Client
		identity, known := s.names[e.Client]
		if !known {
			return nil
		}
		if !slices.Contains(found, identity) {
			found = append(found, identity)
		}
	}
	return found
}

// tablesOf returns the tables of changes up to a revision.
func tablesOf(entries recent, to protocol.Revision) []string {
	var found []string
	for _, e := range entries {
		if e.Revision > to {
			break
		}
		if table := e.Change.Table; !e.IsMark() && !slices.Contains(found, table) {
			found = append(found, table)
		}
	}
	return found
}

// A cursor is a place in a batch.
type cursor struct {
	head       protocol.Revision // where the batch ends
	entry      protocol.Revision // last entry looked at, if it is read from the log
	superseded bitmap            // entries that a later one of their object follows in the batch
	object     string            // last object looked at, if it is read from the objects
	anew       bool              // what the batch begins with, of Query.Anew, has been read
	known      bool              // reader is
	reader     uint64            // number of the client that reads, 0 if it has none
}

// cursorOf returns where a query goes on, or begins.
func cursorOf(q revlog.Query, head protocol.Revision) (cursor, error) {
	if q.Cursor == nil {
		return cursor{head: cmp.Or(q.UpTo, head), entry: q.After}, nil
	}
	c, ok := q.Cursor.(cursor)
	if !ok {
		return cursor{}, fmt.Errorf("a cursor of type %T is of another log", q.Cursor)
	}
	return c, nil
}

// A pageBuilder makes one page of a batch.
type pageBuilder struct {
	query  revlog.Query
	cursor cursor
	reader uint64 // number of the client that reads, 0 if it has none
	page   revlog.Page
	bytes  int
	table  string // of the object at hand, if they are read in key order
	anew   bool   // it is at what the batch begins with, of Query.Anew
}

func newPageBuilder(q revlog.Query, c cursor) *pageBuilder {
	return &pageBuilder{query: q, cursor: c, page: revlog.Page{Revision: c.head, Text: q.Text}, reader: c.reader}
}

// finish returns the page that was read.
func (b *pageBuilder) finish(err error) (revlog.Page, error) {
	if errors.Is(err, errPageFull) {
		b.page.Partial, b.page.Next = true, b.cursor
		err = nil
	}
	return b.page, err
}

// fromFile reads with a transaction.
func (b *pageBuilder) fromFile(s *store, read func(*txView) error) error {
	before := len(b.page.Changes)
	return s.file.view(func(tx *bbolt.Tx) error {
		v := newView(tx)
		if !b.cursor.known {
			c, err := v.Client(b.query.Reader)
			if err != nil {
				return err
			}
			b.reader = c.Number
			b.cursor.known, b.cursor.reader = true, c.Number
		}
		err := read(v)
		cloneValues(b.page.Changes[before:])
		return err
	})
}

// cloneValues copies the values of changes out of the transaction that they are a part
// of, all into one piece of memory.
func cloneValues(changes []protocol.Change) {
	size := 0
	for _, c := range changes {
		size += len(c.Obj) + len(c.Mods)
	}
	memory := make([]byte, 0, size)
	keep := func(value []byte) []byte {
		if value == nil {
			return nil
		}
		start := len(memory)
		memory = append(memory, value...)
		return memory[start:len(memory):len(memory)]
	}
	for i := range changes {
		changes[i].Obj, changes[i].Mods = keep(changes[i].Obj), keep(changes[i].Mods)
	}
}

// A chain is entries that can be visited in order or looked up by revision.
type chain interface {
	fold.History
	each(after, to protocol.Revision, visit func(revlog.Entry) error) error
}

// readEntries reads a page from the log. Each object counts at the last of its
// entries in the batch.
func (b *pageBuilder) readEntries(ctx context.Context, log chain) error {
	if b.cursor.superseded == nil {
		b.cursor.superseded = bitmap{}
		b.page.Idle = b.query.Anew == nil
		err := log.each(b.query.After, b.cursor.head, func(e revlog.Entry) error {
			if !e.IsMark() || e.Client == b.reader {
				b.page.Idle = false
			}
			if fold.IsOneOfSeveral(e, b.query.After) {
				b.cursor.superseded.set(e.Previous)
			}
			return ctx.Err()
		})
		if err != nil {
			return err
		}
	}
	return log.each(b.cursor.entry, b.cursor.head, func(e revlog.Entry) error {
		if err := b.readEntry(log, e); err != nil {
			return err
		}
		b.cursor.entry = e.Revision
		return ctx.Err()
	})
}

func (b *pageBuilder) readEntry(log chain, e revlog.Entry) error {
	table, key := e.Change.Table, e.Change.Key
	switch mine := e.Client == b.reader; {
	case e.Change.Type == revlog.MarkResync, b.cursor.superseded.has(e.Revision):
		return nil
	case b.query.Snapshot:
		return b.addAnew(log, table, key, e.Revision)
	case mine && e.IsMark(), fold.IsOneOfSeveral(e, b.query.After):
		return b.addEffect(log, table, key, e.Revision)
	case mine, e.IsMark():
		return nil
	}
	return b.add(e.Change)
}

// addEffect adds the net effect of what others did to an object in the batch,
// given its last entry, with what is in doubt by marks for the reader.
func (b *pageBuilder) addEffect(h fold.History, table string, key protocol.Key, last protocol.Revision) error {
	net, doubt, err := fold.NetEffect(h, last, b.query.After, b.cursor.head, b.reader)
	if err != nil {
		return err
	}
	change, ok := net.Change(table, key)
	switch {
	case !doubt.IsNone():
		if ok {
			doubt.Add(change)
		}
		return b.addPresent(h, table, key, last, doubt)
	case ok:
		return b.add(change)
	}
	return nil
}

// addAnew adds what anybody did to an object in the batch, unless nobody but the reader
// did anything.
func (b *pageBuilder) addAnew(h fold.History, table string, key protocol.Key, last protocol.Revision) error {
	doubt, err := fold.DoubtOfResync(h, last, b.query.After, b.cursor.head, b.reader, b.query.Own)
	if err != nil || doubt.IsNone() {
		return err
	}
	return b.addPresent(h, table, key, last, doubt)
}

// addPresent adds what an object has where it is in doubt at the end of the batch,
// whoever made it so.
func (b *pageBuilder) addPresent(h fold.History, table string, key protocol.Key, last protocol.Revision, doubt fold.Doubt) error {
	net, _, err := fold.NetEffect(h, last, 0, b.cursor.head, fold.Nobody)
	if err != nil {
		return err
	}
	present, _ := net.Change(table, key)
	b.page.Repairs = true
	return b.add(doubt.Resolve(table, key, present.Obj))
}

// errPageFull ends the reading of a page that more would not fit in.
var errPageFull = errors.New("page is full")

// add puts a change on the page.
func (b *pageBuilder) add(c protocol.Change) error {
	n := b.page.Count
	if added, err := b.admit(c.Table, len(c.Key)+len(c.Obj)+len(c.Mods)); !added {
		return err
	}
	if b.query.Encoder == nil {
		b.page.Changes = append(b.page.Changes, c)
	} else {
		b.page.Text = b.query.Encoder.AppendChange(b.page.Text, n, c)
	}
	return nil
}

// wants reports whether changes of a table are to be put on the page.
func (b *pageBuilder) wants(table string) bool {
	if _, anew := b.query.Anew[table]; anew || b.anew {
		return anew && b.anew
	}
	_, listed := b.query.Tables[table]
	return listed || b.query.Tables == nil
}

// admit reports whether a change of a size is to be put on the page, and counts it.
func (b *pageBuilder) admit(table string, size int) (bool, error) {
	if !b.wants(table) {
		return false, nil
	}
	const envelope = 37 // around table, key and value, in any protocol, roughly
	size += envelope + len(table)
	n := b.page.Count
	if n == b.query.MaxChanges || n > 0 && b.bytes+size > b.query.MaxBytes {
		return false, errPageFull
	}
	b.page.Count++
	b.bytes += size
	return true, nil
}

// A bitmap is a set of revisions, 4096 to a piece.
type bitmap map[protocol.Revision]*[64]uint64

func (m bitmap) set(rev protocol.Revision) {
	piece := m[rev/4096]
	if piece == nil {
		piece = new([64]uint64)
		m[rev/4096] = piece
	}
	piece[rev/64%64] |= 1 << (rev % 64)
}

func (m bitmap) has(rev protocol.Revision) bool {
	piece := m[rev/4096]
	return piece != nil && piece[rev/64%64]&(1<<(rev%64)) != 0
}
