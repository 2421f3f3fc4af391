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

// This file bounds what is held of sets that are not complete. It counts what that takes
// in memory when the sets are committed.

// heldOverhead is what a message that is held, and a change of it, take in memory besides
// their bytes.
const heldOverhead = 128

// heldCost returns what a message takes that is held, of which the bytes are known.
func heldCost(bytes, changes int) int { return bytes + heldOverhead*(1+changes) }

// heldSets says what is held of which clients.
type heldSets struct {
	byClient  map[uint64]heldSet
	total     int            // of their bytes
	coming    map[string]int // what is being submitted, by identity
	allComing int            // all of that
	dated     bool           // the ages are known of those that were in the file
}

// A heldSet is what is held of one client.
type heldSet struct {
	bytes    int       // by heldCost
	received time.Time // when its last message came, by the time of day alone
	known    time.Time // since when this process knows of that message; its monotonic reading counts
	stored   bool      // the message was in the file before that
}

// note takes over what a commit did, of which the new parts have costs.
func (h *heldSets) note(r *fold.Result, costs map[uint64]int) {
	for client, parts := range r.Held {
		set := h.byClient[client]
		h.total -= set.bytes
		if parts.Dropped {
			set = heldSet{}
		}
		if n := len(parts.Added); n > 0 {
			set = heldSet{bytes: set.bytes, received: parts.Added[n-1].Received.Round(0), known: time.Now()}
		}
		set.bytes += costs[client]
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
	h := heldSets{byClient: map[uint64]heldSet{}, coming: map[string]int{}}
	now := time.Now()
	err := bucket.ForEach(func(key, record []byte) error {
		if len(key) != 16 {
			return fmt.Errorf("held message %x: %w", key, errCorrupt)
		}
		received, _ := receivedOf(record) // a damaged one is found when the set is finished, so that is due
		client := binary.BigEndian.Uint64(key)
		cost := heldCost(len(record), changesIn(record))
		h.byClient[client] = heldSet{bytes: h.byClient[client].bytes + cost, received: received, known: now, stored: true}
		h.total += cost
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

// reserveHeld says whether there is room to hold a set, and keeps the room until it is
// released, which is after the set has been submitted.
func (s *store) reserveHeld(set revlog.Set) (release func(), err error) {
	if len(set.Changes) == 0 {
		return func() {}, nil
	}
	c, err := s.client(set.Client)
	if err != nil {
		return nil, err
	}
	cost := heldCost(sizeOfChanges(set.Changes), len(set.Changes))
	s.mu.Lock()
	defer s.mu.Unlock()
	h := &s.held
	own, total := h.byClient[c.Number].bytes+h.coming[set.Client]+cost, h.total+h.allComing+cost
	if set.First { // what is held is dropped
		own, total = own-h.byClient[c.Number].bytes, total-h.byClient[c.Number].bytes
	}
	switch {
	case own > s.options.HeldBytesPerClient:
		return nil, fmt.Errorf("%w: %d of %d bytes", revlog.ErrHeldTooLarge, own, s.options.HeldBytesPerClient)
	case total > s.options.HeldBytes:
		return nil, fmt.Errorf("%w: %d of %d bytes", revlog.ErrHeldFull, total, s.options.HeldBytes)
	}
	h.coming[set.Client] += cost
	h.allComing += cost
	return func() { s.releaseHeld(set.Client, cost) }, nil
}

func (s *store) releaseHeld(identity string, cost int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held.allComing -= cost
	if s.held.coming[identity] -= cost; s.held.coming[identity] == 0 {
		delete(s.held.coming, identity)
	}
}

// holds reports whether something is held of a client.
func (s *store) holds(client uint64) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.held.byClient[client].bytes > 0
}

// putHeld writes the messages of a set that is still open, and deletes those of
// one that is complete. It returns what those cost that it has written.
func putHeld(bucket *bbolt.Bucket, client uint64, h *fold.HeldDelta) (cost int, err error) {
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
		cost += heldCost(len(record), len(p.Changes))
	}
	return cost, nil
}
