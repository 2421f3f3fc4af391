package fold

import (
	"bytes"
	"encoding/binary"
	"time"

	"syncabled/protocol"
	"syncabled/revlog"
)

// An Object is the state of one key of one table. The zero Object has no
// history.
type Object struct {
	Last  protocol.Revision // of its entries
	Owner uint64            // client that wrote all of them, 0 if several did or one is a mark
	Value []byte            // JSON; nil if it is deleted, or never was
}

// has reports whether the object has a value.
func (o Object) has(value []byte) bool {
	return bytes.Equal(o.Value, value) && (o.Value == nil) == (value == nil)
}

// After returns what the object is after an entry that gives it a value.
func (o Object) After(e revlog.Entry, value []byte) Object {
	owner := e.Client
	if e.IsMark() || o.Last != 0 && o.Owner != e.Client {
		owner = 0
	}
	return Object{Last: e.Revision, Owner: owner, Value: value}
}

// A Client is a client database that has written something.
type Client struct {
	Number uint64            // from 1
	Hour   uint64            // when it last wrote, in hours since 1970; 0 if it has named tables and nothing else
	Base   protocol.Revision // highest of its sets
	Resync Resync
	Tables revlog.Tables // of its last subscription

	Confirmed, Strayed bool // see revlog.Acquaintance
}

// A Resync is the last resync of a client: at the revision At it got everything after
// From anew, but for what nobody else had touched, unless Own is set.
type Resync struct {
	From, At protocol.Revision
	Own      bool
}

// Nobody is the number of no client.
const Nobody = 0

// A Part is one message of a set, held or at hand.
type Part struct {
	Base       protocol.Revision
	Received   time.Time
	Connection string
	Stale      bool // it may be older than what the log has of the client
	Back       bool // its base is below an earlier one of the client
	Changes    []protocol.Change

	// Of the message at hand: none of it is stored.
	sent     protocol.Revision
	readOnly bool
	limits   revlog.Limits
}

// ObjectKey returns the key of an object among those of all tables.
func ObjectKey(table string, key protocol.Key) string {
	var most [128]byte // most fit, and need no memory of their own
	b := binary.AppendUvarint(most[:0], uint64(len(table)))
	return string(append(append(b, table...), key...))
}

// SplitObjectKey is the inverse of ObjectKey.
func SplitObjectKey[T string | []byte](b T) (table, key T) {
	size, n := binary.Uvarint([]byte(b[:min(len(b), binary.MaxVarintLen64)]))
	if n <= 0 || size > uint64(len(b)-n) {
		return table, key
	}
	end := n + int(size)
	return b[n:end], b[end:]
}
