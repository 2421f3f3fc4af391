package revlog

import (
	"bytes"
	"cmp"
	"context"
	"errors"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

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
		return Page{}, ErrClosed
	}
	db.mu.RLock()
	head, recent, number := db.head, db.tail.after(q.After), db.numbers[q.Reader]
	db.mu.RUnlock()

	b := &batch{query: q, cursor: q.Cursor, reader: number}
	if b.cursor.head == 0 {
		b.cursor = Cursor{head: head, entry: q.After}
	}
	b.page.Revision = b.cursor.head
	if q.After >= b.cursor.head {
		if q.After > b.cursor.head {
			return Page{}, ErrAhead
		}
		return b.page, nil
	}
	var err error
	switch {
	case recent != nil && b.cursor.object == "":
		err = b.readEntries(ctx, recent)
	case q.After == 0 && b.cursor.superseded == nil: // else the batch began in memory
		err = b.readObjects(ctx, db)
	default:
		err = b.fromFile(db, func(v txView) error { return b.readEntries(ctx, v) })
	}
	if errors.Is(err, errPageFull) {
		b.page.Partial, b.page.Next = true, b.cursor
		err = nil
	}
	return b.page, err
}

// A batch is read page by page. It is the page under way.
type batch struct {
	query  Query
	cursor Cursor
	reader uint64 // number of the client that reads, 0 if it has none
	page   Page
	bytes  int
}

// fromFile reads with a transaction. That must not stay open for long, because
// pages of the file that become free meanwhile cannot be used again.
func (b *batch) fromFile(db *DB, read func(txView) error) error {
	before := len(b.page.Changes)
	err := db.bolt.View(func(tx *bbolt.Tx) error {
		v := newTxView(tx, nil)
		c, err := v.client(b.query.Reader)
		if err != nil {
			return err
		}
		b.reader = c.number
		err = read(v)
		for i, change := range b.page.Changes[before:] {
			change.Obj, change.Mods = bytes.Clone(change.Obj), bytes.Clone(change.Mods)
			b.page.Changes[before+i] = change
		}
		return err
	})
	if errors.Is(err, berrors.ErrDatabaseNotOpen) {
		return ErrClosed
	}
	return err
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
		b.cursor.superseded = newBitmap(b.query.After, b.cursor.head)
		err := log.each(b.query.After, b.cursor.head, func(e entry) error {
			b.cursor.superseded.set(e.previous)
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
	switch {
	case b.cursor.superseded.has(e.revision):
		return nil
	case e.previous > b.query.After: // one of several of its object
		return b.addEffect(log, e.change.Table, e.change.Key, e.revision)
	case e.client == b.reader:
		return nil
	}
	return b.add(e.change)
}

// addEffect adds the net effect of what others did to an object in the batch,
// given its last entry.
func (b *batch) addEffect(h history, table string, key protocol.Key, last protocol.Revision) error {
	net, err := effect(h, last, b.query.After, b.cursor.head, b.reader)
	if err != nil {
		return err
	}
	if change, ok := net.Change(table, key); ok {
		return b.add(change)
	}
	return nil
}

// errPageFull ends the reading of a page that more would not fit in.
var errPageFull = errors.New("page is full")

// add puts a change on the page.
func (b *batch) add(c protocol.Change) error {
	const envelope = len(`{"type":1,"table":"","key":,"mods":},`)
	size := envelope + len(c.Table) + len(c.Key) + len(c.Obj) + len(c.Mods)
	if n := len(b.page.Changes); n == b.query.MaxChanges || n > 0 && b.bytes+size > b.query.MaxBytes {
		return errPageFull
	}
	b.page.Changes = append(b.page.Changes, c)
	b.bytes += size
	return nil
}

// A bitmap is a set of revisions in a range.
type bitmap struct {
	after protocol.Revision
	bits  []uint64
}

func newBitmap(after, to protocol.Revision) *bitmap {
	return &bitmap{after: after, bits: make([]uint64, (to-after)/64+1)}
}

// set adds a revision, unless it lies before the range.
func (m *bitmap) set(rev protocol.Revision) {
	if rev > m.after {
		i := rev - m.after
		m.bits[i/64] |= 1 << (i % 64)
	}
}

func (m *bitmap) has(rev protocol.Revision) bool {
	i := rev - m.after
	return m.bits[i/64]&(1<<(i%64)) != 0
}
