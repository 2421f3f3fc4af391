package boltlog

import (
	"context"
	"slices"
	"time"

	"go.etcd.io/bbolt"
)

// This file is about sets whose rest does not come. How old a set is takes two
// clocks. The time of day goes on while no process has the file, but it may be set
// forward or back at any moment. The monotonic clock never jumps, but it knows only
// of the time in which this process had the file open.

// wrongClock is how long a process knows a stored set that seems to come from far in
// the future before it finishes the set. Its age is unknown, because the time of day
// was, or is, wrong. A clock that is wrong at boot is usually right before that, and a
// client that is only restarting is back.
const wrongClock = time.Minute

// Expired returns the identities of clients whose held sets have expired.
func (s *store) Expired(_ context.Context, now time.Time, expiry time.Duration) ([]string, error) {
	if s.file.hasEnded() {
		return nil, s.file.whyEnded()
	}
	expired := s.expiredClients(now, expiry)
	if len(expired) == 0 {
		return nil, nil
	}
	identities, err := s.identitiesOf(expired)
	if err != nil {
		return nil, err
	}
	return identities, nil
}

// expiredClients returns the numbers of clients whose held sets have expired.
func (s *store) expiredClients(now time.Time, expiry time.Duration) (expired []uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held.date(now)
	for client, set := range s.held.byClient {
		if set.hasExpired(now, expiry) {
			expired = append(expired, client)
		}
	}
	slices.Sort(expired)
	return expired
}

// date gives sets that were in the file the age that they had when it was opened. The
// log itself does not ask for the time of day, so this is done when it is first told.
func (h *heldSets) date(now time.Time) {
	if h.dated {
		return
	}
	h.dated = true
	for client, set := range h.byClient {
		if set.stored {
			set.known = set.known.Add(-max(0, set.ageByDate(now)))
			h.byClient[client] = set
		}
	}
}

// ageByDate returns the age by the time of day, which is negative if the clock was set
// back.
func (h heldSet) ageByDate(now time.Time) time.Duration {
	return now.Sub(h.received)
}

func (h heldSet) hasExpired(now time.Time, expiry time.Duration) bool {
	byDate, seen := h.ageByDate(now), time.Since(h.known)
	return byDate > expiry || seen > expiry || h.stored && byDate < -expiry && seen > wrongClock
}

// identitiesOf returns the identities of clients, given their numbers in order.
func (s *store) identitiesOf(clients []uint64) (identities []string, err error) {
	err = s.file.view(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketClients).ForEach(func(identity, record []byte) error {
			c, err := decodeClient(string(identity), record)
			if _, ok := slices.BinarySearch(clients, c.Number); ok {
				identities = append(identities, string(identity))
			}
			return err
		})
	})
	return identities, err
}
