package boltlog

import (
	"encoding/binary"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/revlog/fold"
)

// This file bounds what is held of sets that are not complete.

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

// note takes over what a commit did, of which the new parts have sizes in the file.
func (h *heldSets) note(r *fold.Result, sizes map[uint64]int) {
	for client, parts := range r.Held {
		set := h.byClient[client]
		h.total -= set.bytes
		if parts.Dropped {
			set = heldSet{}
		}
		if n := len(parts.Added); n > 0 {
			set = heldSet{bytes: set.bytes, received: parts.Added[n-1].Received.Round(0), known: time.Now()}
		}
		set.bytes += sizes[client]
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

// sizeOfChanges returns what changes take in the file at least.
func sizeOfChanges(changes []protocol.Change) int {
	size := 0
	for _, c := range changes {
		size += len(c.Table) + len(c.Key) + len(payload(c))
	}
	return size
}

// checkHeld says whether there is room to hold a set. Sets that are on their way
// at the same time do not see each other.
func (s *store) checkHeld(set revlog.Set) error {
	number, err := s.number(set.Client)
	if err != nil {
		return err
	}
	bytes := sizeOfChanges(set.Changes)
	s.mu.RLock()
	own, total := s.held.byClient[number].bytes+bytes, s.held.total+bytes
	s.mu.RUnlock()
	switch {
	case own > s.options.HeldBytesPerClient:
		return fmt.Errorf("%w: %d of %d bytes", revlog.ErrHeldTooLarge, own, s.options.HeldBytesPerClient)
	case total > s.options.HeldBytes:
		return fmt.Errorf("%w: %d of %d bytes", revlog.ErrHeldFull, total, s.options.HeldBytes)
	}
	return nil
}

// holds reports whether something is held of a client.
func (s *store) holds(client uint64) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.held.byClient[client].bytes > 0
}

// number returns the number of a client, nobody if it has none.
func (s *store) number(identity string) (uint64, error) {
	s.mu.RLock()
	c, ok := s.clients[identity]
	s.mu.RUnlock()
	if ok {
		return c.Number, nil
	}
	err := s.file.view(func(tx *bbolt.Tx) (err error) {
		c, err = newView(tx).Client(identity)
		return err
	})
	return c.Number, err
}

// putHeld writes the messages of a set that is still open, and deletes those of
// one that is complete. It returns the bytes of those that it has written.
func putHeld(bucket *bbolt.Bucket, client uint64, h *fold.HeldDelta) (bytes int, err error) {
	first := h.Stored
	if h.Dropped {
		for place := range h.Stored {
			if err := bucket.Delete(heldKey(client, place)); err != nil {
				return 0, err
			}
		}
		first = 0
	}
	for i, p := range h.Added {
		record := encodePart(p)
		if err := put(bucket, heldKey(client, first+i), record); err != nil {
			return 0, err
		}
		bytes += len(record)
	}
	return bytes, nil
}
