package revlog

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/bbolt"
)

// This file finishes sets whose rest does not come. How old a set is takes two
// clocks. The time of day goes on while no process has the file, but it may be set
// forward or back at any moment. The monotonic clock never jumps, but it knows only
// of the time in which this process had the file open.

// wrongClock is how long a process knows a stored set that seems to come from far in
// the future before it finishes the set. Its age is unknown, because the time of day
// was, or is, wrong. A clock that is wrong at boot is usually right before that, and a
// client that is only restarting is back.
const wrongClock = time.Minute

// FinishHeld commits what is held of sets of which nothing has come for longer than
// expiry: it was acknowledged, so it is not dropped. The age of a set is what the time
// of day, now, says, or, if that is more, what it was when the file was opened and the
// time that has passed since. So a clock that was set back keeps no set for ever. It
// costs next to nothing while no set has expired.
func (db *DB) FinishHeld(ctx context.Context, now time.Time, expiry time.Duration) error {
	expired := db.expiredClients(now, expiry)
	if len(expired) == 0 || db.isClosed() {
		return nil
	}
	identities, err := db.identitiesOf(expired)
	if err != nil {
		return err
	}
	for _, identity := range identities {
		if _, err := db.Submit(ctx, Set{Client: identity, Time: now}); err != nil {
			return fmt.Errorf("finish a held set: %w", err)
		}
	}
	return nil
}

// expiredClients returns the numbers of clients whose held sets have expired.
func (db *DB) expiredClients(now time.Time, expiry time.Duration) (expired []uint64) {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.held.date(now)
	for client, set := range db.held.byClient {
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
func (s heldSet) ageByDate(now time.Time) time.Duration {
	return now.Sub(s.received)
}

func (s heldSet) hasExpired(now time.Time, expiry time.Duration) bool {
	byDate, seen := s.ageByDate(now), time.Since(s.known)
	return byDate > expiry || seen > expiry || s.stored && byDate < -expiry && seen > wrongClock
}

// identitiesOf returns the identities of clients, given their numbers in order.
func (db *DB) identitiesOf(clients []uint64) (identities []string, err error) {
	err = db.look(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketClients).ForEach(func(identity, record []byte) error {
			c, err := decodeClient(string(identity), record)
			if _, ok := slices.BinarySearch(clients, c.number); ok {
				identities = append(identities, string(identity))
			}
			return err
		})
	})
	return identities, err
}
