package revlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

// This file bounds what is held of sets that are not complete.

// ErrHeldTooLarge is wrapped by Submit's error for a partial set with which more
// would be held of its client than may be.
var ErrHeldTooLarge = errors.New("the parts of one set are over the limit")

// ErrHeldFull is wrapped by Submit's error for a partial set with which more
// would be held of all clients than may be.
var ErrHeldFull = errors.New("the parts of all sets that wait for the rest are over the limit")

// heldSets says what is held of which clients.
type heldSets struct {
	byClient map[uint64]heldSet
	total    int  // bytes
	dated    bool // the ages are known of those that were in the file
}

// A heldSet is what is held of one client.
type heldSet struct {
	bytes    int       // roughly
	received time.Time // when its last message came, by the time of day alone
	known    time.Time // since when this process knows of that message; its monotonic reading counts
	stored   bool      // the message was in the file before that
}

// note takes over what a committed fold did.
func (h *heldSets) note(f *fold) {
	for client, parts := range f.parts {
		set := h.byClient[client]
		h.total -= set.bytes
		if parts.drop {
			set = heldSet{}
		}
		if n := len(parts.added); n > 0 {
			set = heldSet{bytes: set.bytes, received: parts.added[n-1].received.Round(0), known: time.Now()}
		}
		set.bytes += parts.bytes
		h.total += set.bytes
		if set.bytes == 0 {
			delete(h.byClient, client)
			continue
		}
		h.byClient[client] = set
	}
}

// heldSetsOf returns what a file holds.
func heldSetsOf(bucket *bbolt.Bucket) (heldSets, error) {
	h := heldSets{byClient: map[uint64]heldSet{}}
	now := time.Now()
	err := bucket.ForEach(func(key, record []byte) error {
		if len(key) != 16 {
			return fmt.Errorf("held message %x: %w", key, errCorrupt)
		}
		received, _ := receivedOf(record) // a damaged one is found when the set is finished, so that is due
		client := binary.BigEndian.Uint64(key)
		bytes := h.byClient[client].bytes + len(record)
		h.byClient[client] = heldSet{bytes: bytes, received: received, known: now, stored: true}
		h.total += len(record)
		return nil
	})
	return h, err
}

// size is what a part takes in the file at least.
func (p part) size() int {
	size := 0
	for _, c := range p.changes {
		size += len(c.Table) + len(c.Key) + len(payload(c))
	}
	return size
}

// checkHeld says whether there is room to hold a set. Sets that are on their way
// at the same time do not see each other.
func (db *DB) checkHeld(set Set) error {
	number, err := db.number(set.Client)
	if err != nil {
		return err
	}
	bytes := part{changes: set.Changes}.size()
	db.mu.RLock()
	own, total := db.held.byClient[number].bytes+bytes, db.held.total+bytes
	db.mu.RUnlock()
	switch {
	case own > db.options.HeldBytesPerClient:
		return fmt.Errorf("%w: %d of %d bytes", ErrHeldTooLarge, own, db.options.HeldBytesPerClient)
	case total > db.options.HeldBytes:
		return fmt.Errorf("%w: %d of %d bytes", ErrHeldFull, total, db.options.HeldBytes)
	}
	return nil
}

// number returns the number of a client, nobody if it has none.
func (db *DB) number(identity string) (uint64, error) {
	db.mu.RLock()
	c, ok := db.clients[identity]
	db.mu.RUnlock()
	if ok {
		return c.number, nil
	}
	err := db.look(func(tx *bbolt.Tx) (err error) {
		c, err = newTxView(tx, nil).client(identity)
		return err
	})
	return c.number, err
}
