package revlog

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
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

// heldSizes says how many bytes are held, roughly.
type heldSizes struct {
	byClient map[uint64]int
	total    int
}

func (h *heldSizes) set(client uint64, bytes int) {
	h.total += bytes - h.byClient[client]
	if bytes == 0 {
		delete(h.byClient, client)
		return
	}
	h.byClient[client] = bytes
}

// note takes over what a committed fold did.
func (h *heldSizes) note(f *fold) {
	for client, parts := range f.parts {
		bytes := h.byClient[client]
		if parts.drop {
			bytes = 0
		}
		h.set(client, bytes+parts.bytes)
	}
}

// heldSizesOf returns what a file holds.
func heldSizesOf(bucket *bbolt.Bucket) (heldSizes, error) {
	h := heldSizes{byClient: map[uint64]int{}}
	err := bucket.ForEach(func(key, record []byte) error {
		if len(key) != 16 {
			return fmt.Errorf("held message %x: %w", key, errCorrupt)
		}
		client := binary.BigEndian.Uint64(key)
		h.set(client, h.byClient[client]+len(record))
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
	own, total := db.held.byClient[number]+bytes, db.held.total+bytes
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

// FinishHeld commits what is held of sets of which nothing has come since a
// time: it was acknowledged, so it is not dropped.
func (db *DB) FinishHeld(ctx context.Context, since time.Time) error {
	identities, err := db.heldSince(since)
	if err != nil {
		return err
	}
	for _, identity := range identities {
		if _, err := db.Submit(ctx, Set{Client: identity, Time: since}); err != nil {
			return fmt.Errorf("finish a held set: %w", err)
		}
	}
	return nil
}

// heldSince returns the clients of which something is held, but nothing that
// came after a time.
func (db *DB) heldSince(since time.Time) (identities []string, err error) {
	err = db.look(func(tx *bbolt.Tx) error {
		var old []uint64
		err := tx.Bucket(bucketHeld).ForEach(func(key, record []byte) error {
			received, err := receivedOf(record)
			client := binary.BigEndian.Uint64(key)
			old = slices.DeleteFunc(old, func(c uint64) bool { return c == client }) // its last part counts
			if received.Before(since) {
				old = append(old, client)
			}
			return err
		})
		if err != nil || len(old) == 0 {
			return err
		}
		return tx.Bucket(bucketClients).ForEach(func(identity, record []byte) error {
			c, err := decodeClient(string(identity), record)
			if slices.Contains(old, c.number) {
				identities = append(identities, string(identity))
			}
			return err
		})
	})
	return identities, err
}
