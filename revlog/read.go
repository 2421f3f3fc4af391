package revlog

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"go.etcd.io/bbolt"

	"syncabled/protocol"
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
func (db *DB) Read(ctx context.Context, q Query) (Page, error) {
	q.MaxChanges = cmp.Or(q.MaxChanges, defaultPageChanges)
	q.MaxBytes = cmp.Or(q.MaxBytes, defaultPageBytes)
	if db.isClosed() {
		return Page{}, db.whyClosed()
	}
	db.mu.RLock()
	head, recent, number := db.head, db.tail.after(q.After), db.clients[q.Reader].number
	db.mu.RUnlock()

	c := q.Cursor
	if c.head == 0 {
		c = Cursor{head: cmp.Or(q.UpTo, head), entry: q.After}
	}
	switch {
	case q.After > head:
		return Page{}, ErrAhead
	case db.inGap(q.After):
		return Page{}, ErrInGap
	case q.After >= c.head:
		return Page{Revision: c.head, Text: q.Text}, nil
	}
	if recent != nil && c.object == "" && !q.Whole {
		b := newBatch(q, c)
		b.reader = number
		if page, err := b.finish(b.readEntries(ctx, recent)); !errors.Is(err, errBeyond) {
			if q.Reader == "" {
				page.Clients = db.clientsOf(recent, c.head)
			}
			return page, err
		}
	}
	b := newBatch(q, c)
	if q.After == 0 && c.superseded == nil { // else the batch began in memory
		return b.finish(b.readObjects(ctx, db))
	}
	return b.finish(b.fromFile(db, func(v *txView) error { return b.readEntries(ctx, v) }))
}

// clientsOf returns the clients of entries up to a revision, nil if one is unknown.
func (db *DB) clientsOf(entries recent, to protocol.Revision) []string {
	db.mu.RLock()
	defer db.mu.RUnlock()
	found := []string{}
	before := uint64(nobody)
	for _, e := range entries {
		if e.revision > to {
			break
		}
		if e.client == before {
			continue
		}
		before = e.client
		identity, known := db.names[e.client]
		if !known {
			return nil
		}
		if !slices.Contains(found, identity) {
			found = append(found, identity)
		}
	}
	return found
}

// inGap reports whether the log never had a revision, because it was restored.
func (db *DB) inGap(rev protocol.Revision) bool {
	return slices.ContainsFunc(db.gaps, func(g gap) bool { return rev > g.after && rev < g.to })
}

// A batch is read page by page. It is the page under way.
type batch struct {
	query  Query
	cursor Cursor
	reader uint64 // number of the client that reads, 0 if it has none
	page   Page
	bytes  int
	table  string // of the object at hand, if they are read in key order
}

func newBatch(q Query, c Cursor) *batch {
	return &batch{query: q, cursor: c, page: Page{Revision: c.head, Text: q.Text}, reader: c.reader}
}

// finish returns the page that was read.
func (b *batch) finish(err error) (Page, error) {
	if errors.Is(err, errPageFull) {
		b.page.Partial, b.page.Next = true, b.cursor
		err = nil
	}
	return b.page, err
}

// fromFile reads with a transaction.
func (b *batch) fromFile(db *DB, read func(*txView) error) error {
	before := len(b.page.Changes)
	return db.look(func(tx *bbolt.Tx) error {
		v := newTxView(tx, nil)
		if !b.cursor.known {
			c, err := v.client(b.query.Reader)
			if err != nil {
				return err
			}
			b.reader = c.number
			b.cursor.known, b.cursor.reader = true, c.number
		}
		err := read(v)
		outlive(b.page.Changes[before:])
		return err
	})
}

// outlive copies the values of changes out of the transaction that they are a part
// of, all into one piece of memory.
func outlive(changes []protocol.Change) {
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
	history
	each(after, to protocol.Revision, visit func(entry) error) error
}

// readEntries reads a page from the log. Each object counts at the last of its
// entries in the batch.
func (b *batch) readEntries(ctx context.Context, log chain) error {
	if b.cursor.superseded == nil {
		b.cursor.superseded = bitmap{}
		b.page.Idle = true
		err := log.each(b.query.After, b.cursor.head, func(e entry) error {
			if !e.isMark() || e.client == b.reader {
				b.page.Idle = false
			}
			if ruleNet && e.previous > b.query.After && e.change.Type != typeResync {
				b.cursor.superseded.set(e.previous)
			}
			return ctx.Err()
		})
		if err != nil {
			return err
		}
	}
	return log.each(b.cursor.entry, b.cursor.head, func(e entry) error {
		if err := b.readEntry(log, e); err != nil {
			return err
		}
		b.cursor.entry = e.revision
		return ctx.Err()
	})
}

func (b *batch) readEntry(log chain, e entry) error {
	table, key := e.change.Table, e.change.Key
	switch mine := e.client == b.reader; {
	case e.change.Type == typeResync, b.cursor.superseded.has(e.revision):
		return nil
	case b.query.Whole, mine && e.isMark():
		return b.addPresent(log, table, key, e.revision)
	case ruleNet && e.previous > b.query.After: // one of several of its object
		return b.addEffect(log, table, key, e.revision)
	case mine, e.isMark():
		return nil
	}
	return b.add(e.change)
}

// addEffect adds the net effect of what others did to an object in the batch,
// given its last entry, or, if it was repaired for the reader, the object.
func (b *batch) addEffect(h history, table string, key protocol.Key, last protocol.Revision) error {
	net, repaired, err := effect(h, last, b.query.After, b.cursor.head, b.reader)
	if err != nil {
		return err
	}
	if repaired {
		return b.addPresent(h, table, key, last)
	}
	if change, ok := net.Change(table, key); ok {
		return b.add(change)
	}
	return nil
}

// addPresent adds an object as it is at the end of the batch, whoever made it so.
func (b *batch) addPresent(h history, table string, key protocol.Key, last protocol.Revision) error {
	net, _, err := effect(h, last, 0, b.cursor.head, nobody)
	if err != nil {
		return err
	}
	change, ok := net.Change(table, key)
	if !ok {
		change = protocol.Change{Type: protocol.Delete, Table: table, Key: key}
	}
	b.page.Repairs = true
	return b.add(change)
}

// nobody is the number of no client.
const nobody = 0

// errPageFull ends the reading of a page that more would not fit in.
var errPageFull = errors.New("page is full")

// add puts a change on the page.
func (b *batch) add(c protocol.Change) error {
	if added, err := b.admit(c.Table, len(c.Key)+len(c.Obj)+len(c.Mods)); !added {
		return err
	}
	if b.query.Text == nil {
		b.page.Changes = append(b.page.Changes, c)
	} else {
		b.page.Text = protocol.AppendChange(b.page.Text, c)
	}
	return nil
}

// admit reports whether a change of a size is to be put on the page, and makes
// the page ready for it.
func (b *batch) admit(table string, size int) (bool, error) {
	if _, listed := b.query.Tables[table]; b.query.Tables != nil && !listed {
		return false, nil
	}
	const envelope = len(`{"type":1,"table":"","key":,"mods":},`)
	size += envelope + len(table)
	n := b.page.Count
	if n == b.query.MaxChanges || n > 0 && b.bytes+size > b.query.MaxBytes {
		return false, errPageFull
	}
	if n > 0 && b.query.Text != nil {
		b.page.Text = append(b.page.Text, ',')
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
