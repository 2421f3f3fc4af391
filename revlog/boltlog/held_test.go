package boltlog_test

import (
	"errors"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/revlog/boltlog"
	"syncabled/revlog/revlogtest"
)

var heldTime = time.Unix(1_800_000_000, 0)

// heldSet is a message of about 1,000 bytes of a client's set.
func heldSet(client string, key int, partial bool) revlog.Set {
	obj := `"` + strings.Repeat("x", 1000) + `"`
	return revlog.Set{Client: client, Changes: []protocol.Change{revlogtest.Create("items", key, obj)}, Partial: partial, Time: heldTime}
}

func openHeld(t *testing.T, path string) *boltlog.DB {
	t.Helper()
	db, err := boltlog.Open(path, boltlog.Options{HeldBytesPerClient: 3200, HeldBytes: 5600})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestHeldBytesAreBounded(t *testing.T) {
	path := filepath.Join(tempDir(t), "held.db")
	db := openHeld(t, path)
	hold := func(client string, key int, want error) {
		t.Helper()
		if _, err := db.Submit(t.Context(), heldSet(client, key, true)); !errors.Is(err, want) {
			t.Errorf("part %d of %s: got %v, want %v", key, client, err, want)
		}
	}
	hold("a", 1, nil)
	hold("a", 2, nil)
	hold("a", 3, revlog.ErrHeldTooLarge)
	hold("b", 4, nil)
	hold("b", 5, nil)
	hold("c", 6, revlog.ErrHeldFull)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = openHeld(t, path)
	hold("a", 3, revlog.ErrHeldTooLarge)
	hold("c", 6, revlog.ErrHeldFull)
	if r, err := db.Submit(t.Context(), heldSet("a", 3, false)); err != nil || r.Appended != 3 {
		t.Fatalf("the last message of a's set appends %d, %v; want 3", r.Appended, err)
	}
	hold("c", 6, nil)
	hold("a", 7, nil)
}

// What an earlier attempt left does not count against the next one.
func TestNextAttemptHasTheRoomOfTheLast(t *testing.T) {
	db := openHeld(t, filepath.Join(tempDir(t), "held.db"))
	for attempt := range 3 {
		for key := range 2 {
			set := heldSet("a", key, true)
			set.First = key == 0
			if _, err := db.Submit(t.Context(), set); err != nil {
				t.Fatalf("attempt %d, part %d: %v", attempt, key, err)
			}
		}
	}
	if r, err := db.Submit(t.Context(), heldSet("a", 2, false)); err != nil || r.Appended != 3 {
		t.Errorf("the last message of the set appends %d, %v; want 3", r.Appended, err)
	}
}

func TestDirBoundsDatabases(t *testing.T) {
	dir, err := boltlog.OpenDir(tempDir(t), boltlog.Options{Databases: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	for range 2 {
		db, err := dir.Open("one")
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := dir.Open("two"); !errors.Is(err, revlog.ErrTooMany) {
		t.Errorf("got %v, want %v", err, revlog.ErrTooMany)
	}
}

// What is held is counted once, whatever is submitted afterwards.
func TestHeldBytesAreCountedOnce(t *testing.T) {
	db := openHeld(t, filepath.Join(tempDir(t), "held.db"))
	if _, err := db.Submit(t.Context(), heldSet("a", 1, true)); err != nil {
		t.Fatal(err)
	}
	before := heldBytes(t, db)
	for range 3 {
		if _, err := db.Submit(t.Context(), revlog.Set{Client: "a", Partial: true, Time: heldTime}); err != nil {
			t.Fatal(err)
		}
	}
	if after := heldBytes(t, db); before == 0 || after != before {
		t.Errorf("%d bytes are held, and %d after empty messages", before, after)
	}
}

// tinySet is a message of deletions of a few bytes each.
func tinySet(client string, changes int) revlog.Set {
	set := revlog.Set{Client: client, Partial: true, Time: heldTime}
	for i := range changes {
		set.Changes = append(set.Changes, revlogtest.Delete("t", i%10))
	}
	return set
}

func heldBytes(t *testing.T, db *boltlog.DB) int {
	t.Helper()
	status, err := db.Status()
	if err != nil {
		t.Fatal(err)
	}
	return status.Held
}

// What is held counts with what it takes in memory, however small it is in the file,
// before and after a start.
func TestHeldBytesAreThoseInMemory(t *testing.T) {
	for name, shape := range map[string]struct{ parts, changes int }{"small parts": {300, 1}, "small changes": {3, 10_000}} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(tempDir(t), "held.db")
			db, err := boltlog.Open(path, boltlog.Options{})
			if err != nil {
				t.Fatal(err)
			}
			for range shape.parts {
				if _, err := db.Submit(t.Context(), tinySet("a", shape.changes)); err != nil {
					t.Fatal(err)
				}
			}
			counted := heldBytes(t, db)
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			if db, err = boltlog.Open(path, boltlog.Options{}); err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if again := heldBytes(t, db); again != counted {
				t.Errorf("%d bytes count after a start, %d before", again, counted)
			}
			if underRace { // the race detector takes memory of its own
				return
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			if err := boltlog.ReadHeld(db); err != nil {
				t.Fatal(err)
			}
			runtime.ReadMemStats(&after)
			if taken := int(after.TotalAlloc - before.TotalAlloc); taken > counted || counted > 3*taken {
				t.Errorf("%d bytes count, and %d were taken to read what is held", counted, taken)
			}
		})
	}
}

// Sets that are on their way at the same time are bounded together.
func TestHeldBytesOnTheirWayCount(t *testing.T) {
	arrived, leave := make(chan struct{}), make(chan struct{})
	options := boltlog.Options{HeldBytes: 2000, Observe: func(revlog.Commit) {
		arrived <- struct{}{}
		<-leave
	}}
	db, err := boltlog.Open(filepath.Join(tempDir(t), "held.db"), options)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	submit := func(client string) chan error {
		done := make(chan error, 1)
		go func() {
			_, err := db.Submit(t.Context(), heldSet(client, 1, true))
			done <- err
		}()
		return done
	}
	first := submit("a")
	<-arrived
	second := submit("b")
	select {
	case err := <-second:
		if !errors.Is(err, revlog.ErrHeldFull) {
			t.Errorf("the second set: %v, want %v", err, revlog.ErrHeldFull)
		}
	case <-time.After(10 * time.Second):
		t.Error("the second set waits for the first one")
		go func() { <-arrived }()
	}
	close(leave)
	if err := <-first; err != nil {
		t.Error(err)
	}
}

// The ages of what is held are found out while others commit.
func TestHeldSetsExpireWhileOthersCommit(t *testing.T) {
	path := filepath.Join(tempDir(t), "held.db")
	db := openHeld(t, path)
	for _, client := range []string{"a", "b"} {
		if _, err := db.Submit(t.Context(), heldSet(client, 1, true)); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = openHeld(t, path)
	dated := make(chan error)
	go func() {
		_, err := db.Expired(t.Context(), heldTime, time.Hour)
		dated <- err
	}()
	for i := range 20 {
		if _, err := db.Submit(t.Context(), heldSet("c", i, false)); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-dated; err != nil {
		t.Fatal(err)
	}
}
