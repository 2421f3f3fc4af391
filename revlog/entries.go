package revlog

import (
	"bytes"
	"context"
	"errors"
	"strconv"

	"go.etcd.io/bbolt"

	"syncabled/protocol"
)

// This file shows the log to the operator, entry by entry.

// An Entry is one entry of the log: an accepted change, or a mark that has a client
// get objects anew.
type Entry struct {
	Revision protocol.Revision
	Previous protocol.Revision // the entry of the object before, 0 if none; of a resync, the position from which on it holds
	Client   uint64            // number of the client that the change came from, or that the mark is for
	Mark     string            // "repair" of one object, or "resync" of all; "" for a change
	Change   protocol.Change   // of a repair, the object; of a resync, nothing
}

// AppendJSON appends the entry as an object of JSON:
//
//	revision   its revision
//	type       "create", "update", "delete", "repair" or "resync"
//	table      name of the table; not of a resync
//	key        key of the object; not of a resync
//	obj        the object, of a create
//	mods       the new values by key path, of an update
//	client     number of the client that it came from, or that it is for
//	previous   the entry of the object before it, if there is one; of a resync, the
//	           position from which on it holds
func (e Entry) AppendJSON(out []byte) []byte {
	out = append(out, `{"revision":`...)
	out = strconv.AppendUint(out, uint64(e.Revision), 10)
	out = append(out, `,"type":"`...)
	out = append(append(out, e.kind()...), '"')
	if e.Mark != markResync {
		out = append(out, `,"table":`...)
		out = protocol.AppendQuote(out, e.Change.Table)
		out = append(out, `,"key":`...)
		out = append(out, e.Change.Key...)
	}
	switch {
	case e.Mark != "":
	case e.Change.Type == protocol.Create:
		out = append(append(out, `,"obj":`...), e.Change.Obj...)
	case e.Change.Type == protocol.Update:
		out = append(append(out, `,"mods":`...), e.Change.Mods...)
	}
	out = append(out, `,"client":`...)
	out = strconv.AppendUint(out, e.Client, 10)
	if e.Previous > 0 || e.Mark == markResync {
		out = append(out, `,"previous":`...)
		out = strconv.AppendUint(out, uint64(e.Previous), 10)
	}
	return append(out, '}')
}

const (
	markRepair = "repair"
	markResync = "resync"
)

func (e Entry) kind() string {
	if e.Mark != "" {
		return e.Mark
	}
	switch e.Change.Type {
	case protocol.Create:
		return "create"
	case protocol.Update:
		return "update"
	}
	return "delete"
}

// A Filter says which entries to show. The zero Filter lets all pass.
type Filter struct {
	Table string       // "" for all
	Key   protocol.Key // "" for all
}

func (f Filter) passes(c protocol.Change) bool {
	return (f.Table == "" || f.Table == c.Table) && (f.Key == "" || f.Key == c.Key)
}

// Bounds of what is looked at in one transaction, and kept in memory.
const (
	entriesPage      = 4096
	entriesPageBytes = 1 << 20
)

// EachEntry calls visit for the entries after a revision, up to the head as of the
// call, in order. It reads them page by page: no transaction is open, and no commit
// waits, while visit runs. It ends with the first error of visit.
func (db *DB) EachEntry(ctx context.Context, after protocol.Revision, filter Filter, visit func(Entry) error) error {
	for head := db.Head(); after < head; {
		page, to, err := db.entriesPage(ctx, after, head, filter)
		if err != nil {
			return err
		}
		for _, e := range page {
			if err := visit(e); err != nil {
				return err
			}
		}
		after = to
	}
	return nil
}

// entriesPage returns entries in (after, head], and the revision that it has looked
// at up to.
func (db *DB) entriesPage(ctx context.Context, after, head protocol.Revision, filter Filter) (page []Entry, to protocol.Revision, err error) {
	to = head
	looked, size := 0, 0
	err = db.look(func(tx *bbolt.Tx) error {
		err := newTxView(tx, nil).each(after, head, func(e entry) error {
			if filter.passes(e.change) {
				page = append(page, e.show())
				size += len(e.change.Obj) + len(e.change.Mods)
			}
			if looked++; looked == entriesPage || size >= entriesPageBytes {
				to = e.revision
				return errPageFull
			}
			return ctx.Err()
		})
		if errors.Is(err, errPageFull) {
			return nil
		}
		return err
	})
	return page, to, err
}

// show returns a copy of the entry that outlives the transaction.
func (e entry) show() Entry {
	shown := Entry{Revision: e.revision, Previous: e.previous, Client: e.client, Change: e.change}
	switch e.change.Type {
	case typeRepair:
		shown.Mark = markRepair
	case typeResync:
		shown.Mark = markResync
	}
	shown.Change.Obj, shown.Change.Mods = bytes.Clone(e.change.Obj), bytes.Clone(e.change.Mods)
	return shown
}
