// Package boltlog keeps a log in one bbolt file.
//
// What [DB.Submit] is given goes through the order (order.go), which forms groups, to
// the store (store.go), which applies a group: it resolves the commands (package fold)
// and writes what they add in one transaction. The current objects are a
// log-structured merge tree (objects.go). Readers get their pages from the tail of the
// log in memory, from the log, or from the objects (read.go).
//
// A log whose file could not be read when a transaction began or was rolled back, which
// leaves bbolt locked, is given up: all
// calls return ErrGivenUp, those that wait for others too, and the file stays locked
// until the process ends (file.go). A call that is in bbolt at that moment may never
// return.
//
// # On disk
//
// A database is one bbolt file with seven buckets. Integers named uvarint are
// those of encoding/binary; fixed ones are big-endian. A value that starts with
// a checksum starts with the CRC-32C (Castagnoli), 4 bytes, of the key and the
// rest of the value.
//
//	meta
//	  "format"     4 bytes   version of this format: 4
//	  "program"    9 bytes   "syncabled"
//	  "id"         checksum, 16 bytes: UUID of the database, made with it
//	  "folded"     checksum, 8 bytes: revision up to which entries are folded into
//	               runs and objects
//	  "gaps"       checksum, 16 bytes each: ranges (after, to) of revisions that
//	               were left out when the database was restored from a copy; it may
//	               be missing
//
//	entries: revision, 8 bytes -> one accepted change, or a mark; the bucket's
//	sequence is one more than the number of objects that are present, 0 if it is
//	not known
//	  checksum
//	  type         1 byte    1 CREATE, 2 UPDATE, 3 DELETE, 4 repair, 5 resync
//	  client       uvarint   number of the client it came from, or that a mark is for
//	  previous     uvarint   revision of the object's entry before this, 0 if none;
//	                         of a resync, the position from which on it holds
//	  table        uvarint length, then the name in WTF-8
//	  key          uvarint length, then the key's canonical JSON
//	  payload      the rest: JSON of the object, or of the mods; of a repair, mods that
//	               set the key paths that it is about to null, or nothing if it is
//	               about the whole object; of a resync that is of some tables only, an
//	               array of their names
//
//	objects: uvarint length of the table's name, name, key -> one object
//	  checksum
//	  last         uvarint   revision of its last entry
//	  owner        uvarint   client that wrote all of its entries, 0 if several
//	                         did or one is a mark
//	  state        1 byte    1 present, 0 deleted (a tombstone)
//	  value        the rest: JSON of the object
//
//	runs: number of a run, 8 bytes -> a bucket like objects; the bucket's sequence is
//	the number of the last run that is merged into objects and counts no more. An
//	object is what the newest run says that has it, or else what objects says
//
//	clients: identity -> one client
//	  checksum
//	  number       uvarint   from 1 in order of appearance; the bucket's sequence is the last
//	  seen         uvarint   hour it last wrote in, counted from 1970, at least 1; 0 if it
//	               has named tables and nothing else
//	  base         uvarint   highest base revision of its sets
//	  from, at     uvarint   position and revision of its last resync, 0 if none;
//	               an older one that still counts is joined with it
//	  flags        1 byte    1 if that had in it what only the client had touched, plus 2
//	               if the client has the acknowledgement of its first set, plus 4 if a
//	               batch may still come to it that was sent on a connection that was cut
//	  tables       uvarint length, then the tables that it had when it subscribed
//	               last, as revlog.Tables.Encoded has them; nothing if it never named
//	               any. Records from before format 4 end before the flags
//
//	held: client, 8 bytes, and place in the set, 8 bytes -> one message with partial: true
//	  checksum
//	  base         uvarint   its base revision
//	  received     uvarint   milliseconds since 1970
//	  connection   uvarint length, then what tells the connection it came over from others
//	  doubts       1 byte    1 if it may be stale, plus 2 if its base is below an
//	               earlier one; before format 4 that was stale, too
//	  changes      each: type, table, key as above; then payload with uvarint length
//
//	refused: number, 8 bytes -> one change that can never be accepted, the last 1,000
//	  checksum
//	  client       uvarint   number of the client it came from
//	  received     uvarint   milliseconds since 1970
//	  table        uvarint length, then the name in WTF-8
//	  reason       uvarint length, then text
//	  change       the rest: its JSON, or the first 64 KiB of it
//
// Entries are only ever appended. Objects lag behind: the states of objects that
// changed last are kept in memory and written out in large sorted batches, because a
// random page per change would cost most of a commit. Where the pages of a batch would
// be random all the same, because there are many more objects, it becomes a run; runs
// are merged later (merge.go). "folded" says how far that has come; opening a file
// replays the entries after it.
//
// In format 3 each repair is about a whole object. Format 2 is the same without runs.
// Opening such a file makes it one of format 4, which older programs refuse to open.
package boltlog

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"syncabled/protocol"
	"syncabled/revlog"
)

// A DB is a [revlog.Log] in one bbolt file: an order of commands, and a store that
// applies them.
type DB struct {
	*store
	order *order
}

// What a DB does.
var (
	_ revlog.EntryReader    = (*DB)(nil)
	_ revlog.Expirer        = (*DB)(nil)
	_ revlog.Copier         = (*DB)(nil)
	_ revlog.StatusReporter = (*DB)(nil)
	_ revlog.Surrenderer    = (*DB)(nil)
)

// Open opens the database in the file at path, and makes it if there is none.
// Files of other programs and formats are left untouched. The error wraps ErrLocked,
// ErrFormat or ErrBroken if that is why.
func Open(path string, options Options) (*DB, error) {
	db, err := open(path, options)
	if err != nil {
		return nil, err
	}
	go db.order.run()
	return db, nil
}

// open is Open without the commit loop.
func open(path string, options Options) (*DB, error) {
	options = options.withDefaults()
	s, err := openStore(path, options)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return &DB{store: s, order: newOrder(s)}, nil
}

// GivenUp returns a channel that is closed when the log is given up. [DB.Close] then
// returns the reason.
func (db *DB) GivenUp() <-chan struct{} { return db.file.givenUp.done }

// ID returns the UUID that the database was made with.
func (s *store) ID() uuid.UUID { return s.id }

// Head returns the revision of the last entry.
func (s *store) Head() (protocol.Revision, error) {
	if s.file.hasEnded() {
		return 0, s.file.whyEnded()
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.head, nil
}

// Wait returns the head when the log has moved past rev.
func (s *store) Wait(ctx context.Context, rev protocol.Revision) (protocol.Revision, error) {
	for {
		s.mu.RLock()
		head, moved := s.head, s.moved
		s.mu.RUnlock()
		switch {
		case s.file.hasEnded():
			return head, s.file.whyEnded()
		case head > rev:
			return head, nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return head, ctx.Err()
		case <-s.file.ended:
			return head, s.file.whyEnded()
		}
	}
}
