package revlog

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"

	"go.etcd.io/bbolt"

	"syncabled/protocol"
)

const (
	defaultPageChanges = 50_000
	defaultPageBytes   = 8 << 20
)

// readChunk is how many entries or objects are taken from the file at a time.
const readChunk = 512

// Read returns a page of what a reader has not seen.
//
// A batch takes the reader from its position to the head as of the first page;
// what is committed meanwhile belongs to the next batch. It is read from the
// log, where each object counts at the last of its entries, or, from position
// 0, from the objects. No page depends on a transaction of the page before.
func (db *DB) Read(ctx context.Context, q Query) (Page, error) {
	c := q.Cursor
	if c == (Cursor{}) {
		c = Cursor{head: db.Head(), entry: q.After}
	}
	if q.After > c.head {
		return Page{}, ErrAhead
	}
	if q.After == c.head {
		return Page{Revision: c.head}, nil
	}
	r, err := db.newReader(q, c)
	if err != nil {
		return Page{}, err
	}
	defer r.close()
	if q.After == 0 {
		err = r.readObjects(ctx)
	} else {
		err = r.readEntries(ctx)
	}
	if errors.Is(err, errPageFull) {
		r.page.Partial, r.page.Next = true, r.cursor
		err = nil
	}
	return r.page, err
}

// errPageFull ends the reading of a page that more would not fit in.
var errPageFull = errors.New("page is full")

// A reader builds one page. It works on a transaction of its own, which it
// exchanges for a later one when the overlay knows of entries beyond it.
type reader struct {
	db     *DB
	query  Query
	cursor Cursor
	page   Page
	bytes  int

	view   txView
	tx     *bbolt.Tx
	head   protocol.Revision // of tx
	reader uint64            // number of the client that reads, 0 if it has none
}

func (db *DB) newReader(q Query, c Cursor) (*reader, error) {
	q.MaxChanges = cmp.Or(q.MaxChanges, defaultPageChanges)
	q.MaxBytes = cmp.Or(q.MaxBytes, defaultPageBytes)
	r := &reader{db: db, query: q, cursor: c, page: Page{Revision: c.head}}
	return r, r.begin()
}

func (r *reader) begin() error {
	tx, err := r.db.bolt.Begin(false)
	if errors.Is(err, bbolt.ErrDatabaseNotOpen) {
		return ErrClosed
	}
	if err != nil {
		return err
	}
	r.tx, r.view = tx, newTxView(tx, nil)
	if r.head, err = r.view.head(); err != nil {
		return err
	}
	c, err := r.view.client(r.query.Reader)
	r.reader = c.number
	return err
}

func (r *reader) close() {
	if r.tx != nil {
		_ = r.tx.Rollback() // of a read, which cannot fail
	}
}

// readEntries reads the batch from the log. An entry counts if it is the last
// one of its object in the batch.
func (r *reader) readEntries(ctx context.Context) error {
	for r.cursor.entry < r.cursor.head {
		if err := ctx.Err(); err != nil {
			return err
		}
		chunk, err := r.nextEntries()
		if err != nil {
			return err
		}
		for _, e := range chunk {
			if err := r.readEntry(e); err != nil {
				return err
			}
			r.cursor.entry = e.revision
		}
	}
	return nil
}

// nextEntries returns copies of the entries behind the cursor.
func (r *reader) nextEntries() ([]entry, error) {
	var chunk []entry
	cursor := r.view.entries.Cursor()
	size := 0
	for key, record := cursor.Seek(revisionKey(r.cursor.entry + 1)); key != nil; key, record = cursor.Next() {
		revision := protocol.Revision(binary.BigEndian.Uint64(key))
		if revision > r.cursor.head || len(chunk) == readChunk || size > r.query.MaxBytes {
			return chunk, nil
		}
		e, err := decodeEntry(revision, bytes.Clone(record))
		if err != nil {
			return nil, err
		}
		chunk = append(chunk, e)
		size += len(record)
	}
	if len(chunk) == 0 {
		r.cursor.entry = r.cursor.head // the log has a gap up to its head
	}
	return chunk, nil
}

func (r *reader) readEntry(e entry) error {
	obj, err := r.object(objectKey(e.change.Table, e.change.Key), e.revision)
	if err != nil {
		return err
	}
	if obj.last == e.revision && e.previous <= r.query.After { // the only one of its object
		if e.client == r.reader {
			return nil
		}
		return r.add(e.change)
	}
	last, err := r.lastUpTo(obj.last, r.cursor.head)
	if err != nil || last != e.revision {
		return err
	}
	return r.addEffect(e.change.Table, e.change.Key, last)
}

// lastUpTo follows the chain of an object's entries back to the last one that
// is not beyond a revision.
func (r *reader) lastUpTo(last, to protocol.Revision) (protocol.Revision, error) {
	for last > to {
		e, err := r.view.entry(last)
		if err != nil {
			return 0, err
		}
		last = e.previous
	}
	return last, nil
}

// addEffect adds the net effect of what others did to an object in the batch.
func (r *reader) addEffect(table string, key protocol.Key, last protocol.Revision) error {
	net, err := effect(r.view, last, r.query.After, r.cursor.head, r.reader)
	if err != nil {
		return err
	}
	change, ok := net.Change(table, key)
	if !ok {
		return nil
	}
	change.Obj, change.Mods = bytes.Clone(change.Obj), bytes.Clone(change.Mods)
	return r.add(change)
}

// add puts a change on the page. The change must not share memory with the file.
func (r *reader) add(c protocol.Change) error {
	const envelope = len(`{"type":1,"table":"","key":,"mods":},`)
	size := envelope + len(c.Table) + len(c.Key) + len(c.Obj) + len(c.Mods)
	if n := len(r.page.Changes); n == r.query.MaxChanges || n > 0 && r.bytes+size > r.query.MaxBytes {
		return errPageFull
	}
	r.page.Changes = append(r.page.Changes, c)
	r.bytes += size
	return nil
}

// object returns the state of an object at or after one of its entries, and
// sees to it that the entries that lead there are in the view.
func (r *reader) object(key string, atLeast protocol.Revision) (object, error) {
	r.db.mu.RLock()
	obj, ok := r.db.overlay.get(key)
	r.db.mu.RUnlock()
	if ok {
		if obj.last > r.head {
			return obj, r.renew()
		}
		return obj, nil
	}
	obj, err := r.view.storedObject(key)
	if err != nil || obj.last >= atLeast {
		return obj, err
	}
	// It left the overlay for the file after this transaction began.
	if err := r.renew(); err != nil {
		return object{}, err
	}
	return r.view.storedObject(key)
}

// renew exchanges the transaction for one that sees all there is now. What came
// from the old one and was not copied is gone.
func (r *reader) renew() error {
	r.close()
	r.tx = nil
	return r.begin()
}
