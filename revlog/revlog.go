// Package revlog keeps the history of a database: every accepted change in one
// total order, and the objects they add up to.
//
// # Guarantees
//
//   - A set that [Log.Submit] returned for is on disk, whole. A set it did not
//     return for is on disk whole or not at all.
//   - Conflicts are resolved where the order is made, by a pure function of the
//     log and the set (fold.go): an update loses to what others did to the same
//     key paths since its base revision, a delete beats an update, and what
//     another client created or deleted since stands.
//   - A log that cannot vouch for what its file shows ends itself: after an error
//     that leaves it in doubt whether a set is on disk, such as one of the sync that
//     was to make it count, and after a panic. All calls then return ErrClosed, as
//     after [Log.Close]. Opening it again makes durable what the file has. Errors
//     that leave the file as it was, such as a full disk, end nothing.
//   - A log whose file could not be read in the middle of a transaction is given up:
//     all calls, those under way too, return ErrGivenUp, and the file stays locked
//     until the process ends.
//   - What a reader has been given stays, whatever fails.
//   - [Log.Read] gives a reader the net effect of what others did since its
//     position, at most one change per object. A reader that applies every
//     batch ends with the server's objects.
//
// # On disk
//
// A database is one bbolt file with seven buckets. Integers named uvarint are
// those of encoding/binary; fixed ones are big-endian. A value that starts with
// a checksum starts with the CRC-32C (Castagnoli), 4 bytes, of the key and the
// rest of the value.
//
//	meta
//	  "format"     4 bytes   version of this format: 3
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
//	  payload      the rest: JSON of the object, or of the mods, or nothing
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
//	  seen         uvarint   hour it last wrote in, counted from 1970
//	  base         uvarint   highest base revision of its sets
//	  from, at     uvarint   position and revision of its last resync, 0 if none;
//	               an older one that still counts is joined with it
//
//	held: client, 8 bytes, and place in the set, 8 bytes -> one message with partial: true
//	  checksum
//	  base         uvarint   its base revision
//	  received     uvarint   milliseconds since 1970
//	  connection   uvarint length, then what tells the connection it came over from others
//	  stale        1 byte    1 if it may be stale
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
// Entries are only ever appended. Objects lag behind: the last entries of each
// object are kept in memory and written out in large sorted batches, because a
// random page per change would cost most of a commit. Where the pages of a batch would
// be random all the same, because there are many more objects, it becomes a run; runs
// are merged later (runs.go). "folded" says how far that has come; opening a file
// replays the entries after it. Format 2 is the same without runs; opening such a file
// adds them.
package revlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"syncabled/protocol"
)

// A Log is one database's history: changes in one total order, and the objects
// they add up to. Its methods may be called concurrently.
type Log interface {
	// Submit resolves a set against the log and commits what stands, durably
	// and atomically, before it returns. A partial set is durably held until
	// the same client submits one that is not partial. If it returns an error
	// the set may or may not have been committed; submitting it again does no
	// harm. If it returns none, it no longer refers to the bytes of the set.
	Submit(ctx context.Context, set Set) (Receipt, error)

	// Read returns what a reader at a position has not seen, in pages: at most
	// one change per object, the reader's own changes left out.
	Read(ctx context.Context, q Query) (Page, error)

	// Wait returns the head when the log has moved past rev.
	Wait(ctx context.Context, rev protocol.Revision) (protocol.Revision, error)

	// Knows reports whether a client has ever submitted a change.
	Knows(ctx context.Context, identity string) (bool, error)

	// Close waits for the commit under way and ends the log. Calls that are
	// waiting, and all later ones, return ErrClosed. Of a log that has ended
	// itself it returns the reason; it may be called again.
	Close() error
}

// ErrClosed is wrapped by the errors of calls to a log that has been closed, or has
// ended itself.
var ErrClosed = errors.New("log is closed")

// ErrAhead is returned by Read for a position that the log has not reached, or
// left out: the reader comes from another history, such as that of a database
// since restored from a copy.
var ErrAhead = errors.New("position is ahead of the log")

// ErrInGap is the ErrAhead of a position that the log left out when it was restored
// from a copy.
var ErrInGap = fmt.Errorf("%w: it was left out by a restore", ErrAhead)

// A Set is one message of changes from a client.
type Set struct {
	Client  string            // identity of the client
	Base    protocol.Revision // last revision it had applied before it made the changes
	Changes []protocol.Change
	Refused []protocol.Refusal // changes that were left out; their objects are repaired
	Partial bool               // hold it until the rest has come
	Time    time.Time          // when it was received

	// Connection tells the connection that the set came over from the client's
	// other ones.
	Connection string

	// Sent is the highest position that the client had been sent when the set
	// came in. If others changed an object up to there, the client may have made
	// its change before or after it got theirs, whatever Base says.
	Sent protocol.Revision

	// Stale says that the set may be older than what another connection of the
	// client brought. The objects it touches are repaired.
	Stale bool

	// ReadOnly says that the client may not change anything. Nothing of the set is
	// applied, and the objects that it would have changed are repaired. Nothing of
	// it is held either: a set of which the client could send a part when it still
	// might is complete with that part, unless the set is Apart.
	ReadOnly bool

	// Apart says that what is held of the client is not to be completed with this set,
	// which is ReadOnly: the rest may still come over a connection that may write. The
	// objects of the set are repaired, because what is held may be about them.
	Apart bool

	// Resync announces that the client is going to get everything after Base
	// anew (see Query.Whole). The set has no changes. The receipt's head is the
	// revision up to which to read.
	Resync bool

	// Was announces that the client goes by another identity from now on: all that
	// the log has of a client called Was is of Client. The set has no changes. If
	// the log knows Client, or does not know Was, it does nothing.
	Was string
}

// A Receipt says what became of a set.
type Receipt struct {
	Head     protocol.Revision // head of the log after the set
	Appended int               // entries that the set, with all that was held of it, added
	Held     bool              // it waits for the rest

	// Collisions are tables, at most a few, of which an object was dropped because
	// another client had created one under the same key, and the keys seem to be
	// counted by each client (++id).
	Collisions []string
}

// A Query asks for a page of what a reader has not seen.
type Query struct {
	Reader string              // identity, whose own changes are left out
	After  protocol.Revision   // position of the reader
	UpTo   protocol.Revision   // where the batch ends; 0 means the head
	Whole  bool                // give every object that was touched as it is, by the reader too
	Tables map[string]struct{} // leave out all other tables; nil means none
	Cursor Cursor              // Page.Next of the page before; zero starts a batch

	MaxChanges int // changes in a page; 0 means 50,000
	MaxBytes   int // bytes of a page's changes, but at least one change; 0 means 8 MiB

	// Text, if it is not nil, has the changes appended as JSON, with commas between
	// them, and becomes Page.Text: who only sends them on needs no Changes.
	Text []byte
}

// A Page is one part of a batch. All parts of a batch together take the reader
// from Query.After to Revision.
type Page struct {
	Changes  []protocol.Change
	Text     []byte            // if the query has one: the changes are here instead
	Count    int               // of changes
	Revision protocol.Revision // position after the whole batch
	Partial  bool              // more pages follow
	Idle     bool              // the batch holds nothing but marks for others; it need not be sent
	Repairs  bool              // it replaces objects that the reader may have changed since
	Next     Cursor            // where they start

	// Clients are those whose changes, or marks, are in the batch: for anybody
	// else it would be the same. It is known, and then not nil, if the query has
	// no Reader and the batch is in memory.
	Clients []string
}

// A Cursor is a place in a batch.
type Cursor struct {
	head       protocol.Revision // where the batch ends; 0 in a zero Cursor
	entry      protocol.Revision // last entry looked at, if it is read from the log
	superseded bitmap            // entries that a later one of their object follows in the batch
	object     string            // last object looked at, if it is read from the objects
	known      bool              // reader is
	reader     uint64            // number of the client that reads, 0 if it has none
}
