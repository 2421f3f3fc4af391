package boltlog_test

import (
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/revlog/boltlog"
	"syncabled/revlog/revlogtest"
)

// setOf returns a message of a client's set that is received at some time.
func setOf(client string, key int, received time.Time) revlog.Set {
	set := heldSet(client, key, true)
	set.Time = received
	return set
}

// finishHeld looks for expired sets and checks which of the clients' have been
// committed since the log was made.
func finishHeld(t *testing.T, db *boltlog.DB, now time.Time, expiry time.Duration, want ...revlog.Set) {
	t.Helper()
	expired, err := db.Expired(t.Context(), now, expiry)
	if err != nil {
		t.Fatal(err)
	}
	for _, identity := range expired {
		if _, err := db.Submit(t.Context(), revlog.Finish{Client: identity, Time: now}); err != nil {
			t.Fatal(err)
		}
	}
	page, err := db.Read(t.Context(), revlog.Query{Reader: "reader"})
	if err != nil {
		t.Fatal(err)
	}
	var changes []protocol.Change
	for _, set := range want {
		changes = append(changes, set.Changes...)
	}
	revlogtest.WantChanges(t, page.Changes, changes...)
}

func TestExpiredSetsAreFinished(t *testing.T) {
	db := openHeld(t, filepath.Join(tempDir(t), "held.db"))
	old, later := heldTime, heldTime.Add(time.Hour)
	for _, set := range []revlog.Set{setOf("old", 1, old), setOf("young", 2, later), setOf("resumed", 3, old), setOf("resumed", 4, later)} {
		if _, err := db.Submit(t.Context(), set); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		finishHeld(t, db, later, 59*time.Minute, setOf("old", 1, old))
	}
}

const decade = 10 * 365 * 24 * time.Hour

// However the time of day is set, a set is finished when it has been held for its
// time, and never for longer.
func TestSetsExpireWhenClockJumps(t *testing.T) {
	const expiry = time.Hour
	for _, test := range []struct {
		name     string
		jump     time.Duration
		reopened bool          // the file is closed while the clock is set
		keeps    time.Duration // for how long it is still held
	}{
		{"none", 0, false, expiry},
		{"forward", decade, false, 0},
		{"back", -decade, false, expiry},
		{"back a little", -time.Minute, false, expiry},
		{"reopened", 0, true, expiry},
		{"reopened, forward", decade, true, 0},
		{"reopened, back a little", -time.Minute, true, expiry},
		// Its date is in the far future. It may be of any age.
		{"reopened, back", -decade, true, time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				path := filepath.Join(tempDir(t), "held.db")
				db := openHeld(t, path)
				set := setOf("a", 1, time.Now())
				if _, err := db.Submit(t.Context(), set); err != nil {
					t.Fatal(err)
				}
				if test.reopened {
					if err := db.Close(); err != nil {
						t.Fatal(err)
					}
					db = openHeld(t, path)
				}
				now := func() time.Time { return time.Now().Add(test.jump).Round(0) }
				if test.keeps > 0 {
					finishHeld(t, db, now(), expiry)
					time.Sleep(test.keeps)
					finishHeld(t, db, now(), expiry)
					time.Sleep(time.Second)
				}
				finishHeld(t, db, now(), expiry, set)
				if err := db.Close(); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

// What comes while the clock is wrong, and what came before, ages by what the process
// saw, however often the clock is set.
func TestHeldSetsAgeWithoutTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const expiry = time.Hour
		db := openHeld(t, filepath.Join(tempDir(t), "held.db"))
		now := func(jump time.Duration) time.Time { return time.Now().Add(jump).Round(0) }
		var sets []revlog.Set
		for i, jump := range []time.Duration{0, -decade} {
			sets = append(sets, setOf(string(rune('a'+i)), i, now(jump)))
			if _, err := db.Submit(t.Context(), sets[i]); err != nil {
				t.Fatal(err)
			}
			time.Sleep(20 * time.Minute)
			finishHeld(t, db, now(jump), expiry)
		}
		time.Sleep(20*time.Minute + time.Second)
		finishHeld(t, db, now(-decade), expiry, sets[0])
		time.Sleep(20 * time.Minute)
		finishHeld(t, db, now(-decade), expiry, slices.Clone(sets)...)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
