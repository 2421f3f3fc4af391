package server_test

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"syncabled/server"
)

// A clock is a time of day that can be set. Durations go on as before, as with the
// clock of a machine.
type clock struct{ set atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.set.Load())).Round(0) }

// jump sets the clock forward, or back.
func (c *clock) jump(d time.Duration) { c.set.Add(int64(d)) }

const decade = 10 * 365 * 24 * time.Hour

// jumps are how a clock is set, by name.
var jumps = map[string]time.Duration{"forward": decade, "back": -decade}

// dated are the conversations about what has a date.
var dated = []string{"held_set_expires", "held_set_expires_while_closed", "token_expires"}

// TestConversationsWhileClockJumps plays the scripts of testdata/wire while the clock is
// set before each step. But for what has a date, nothing is different: not the waiting
// for quiet, not who speaks for a client, no timeout.
func TestConversationsWhileClockJumps(t *testing.T) {
	paths, err := filepath.Glob("../testdata/wire/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".txt")
		if slices.Contains(dated, name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			script, err := readScript(path)
			if err != nil {
				t.Fatal(err)
			}
			for direction, jump := range jumps {
				rng := rand.New(rand.NewPCG(1, 2))
				t.Run(direction, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						play(t, script, func(s *site) { s.clock.jump(time.Duration(rng.Int64N(int64(jump.Abs()))) * jump / jump.Abs()) })
					})
				})
			}
		})
	}
}

// A session ends when its grant has expired by the time of day, or when as much time has
// passed as was left when it began.
func TestGrantExpiresWhenClockJumps(t *testing.T) {
	for _, test := range []struct {
		name   string
		jump   time.Duration
		within time.Duration // it ends after the jump
	}{
		{"forward", decade, 30 * time.Second},
		{"back", -decade, 49*time.Minute + 30*time.Second},
		{"forward a little", 30 * time.Minute, 19*time.Minute + 30*time.Second},
		{"not at all", 0, 49*time.Minute + 30*time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := startSite(t, server.Config{Authorizer: headerGrants{}, PingInterval: 24 * time.Hour})
				a := s.connect("/", parseHeaders("Grant: alice 1h"))
				forever := s.connect("/", parseHeaders("Grant: alice"))
				a.send(identity("a"))
				a.received()
				time.Sleep(10*time.Minute + 30*time.Second)
				s.clock.jump(test.jump)
				time.Sleep(test.within - time.Second)
				if e := a.ending(); e != nil {
					t.Fatalf("ended with %v too soon", e)
				}
				time.Sleep(2 * time.Second)
				a.expectEnding(ending{1008, "token has expired; come back with a new one"})
				if !forever.isOpen() {
					t.Error("a connection whose grant has no end has ended")
				}
			})
		})
	}
}

// A date that is further away than any duration is far in the future.
func TestGrantExpiresInFarFuture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{Authorizer: farGrants{}})
		a := s.connect("/", nil)
		time.Sleep(24 * time.Hour)
		if !a.isOpen() {
			t.Errorf("ended with %v", a.ending())
		}
	})
}

// Many sessions whose grants expire at once, of clients that take in nothing, end.
func TestGrantsExpireOfStalledClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{Authorizer: headerGrants{}, PingInterval: 24 * time.Hour})
		var clients []*client
		for range 50 {
			c := s.connect("/", parseHeaders("Grant: alice 1h"))
			c.link.hold(true)
			clients = append(clients, c)
		}
		s.clock.jump(decade)
		time.Sleep(2 * time.Minute)
		for _, c := range clients {
			if !c.link.serverClosed() {
				t.Fatal("a connection is open whose grant has expired")
			}
		}
	})
}

// What is held of a set is committed when it is old enough by either clock.
func TestHeldSetExpiresWhenClockJumps(t *testing.T) {
	for _, test := range []struct {
		name          string
		jump          time.Duration
		before, after time.Duration // it is held, and is not
	}{
		{"forward", decade, 29 * time.Second, 31 * time.Second},
		{"back", -decade, 49 * time.Minute, 51 * time.Minute},
		{"not at all", 0, 49 * time.Minute, 51 * time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := startSite(t, server.Config{HeldExpiry: time.Hour})
				b := s.connect("/", nil)
				b.send(identity("b"), subscribe(0))
				b.received()
				a := s.connect("/", nil)
				a.send(identity("a"), strings.Replace(changes(1, object("k", 1)), `"partial":false`, `"partial":true`, 1))
				a.expect(firstAck)
				a.cut()
				time.Sleep(10*time.Minute + 30*time.Second) // between two looks at the clock
				s.clock.jump(test.jump)
				time.Sleep(test.before)
				b.expect()
				time.Sleep(test.after - test.before)
				b.expect(`{"type":"changes","changes":[` + object("k", 1) + `],"currentRevision":2,"partial":false}`)
			})
		})
	}
}

// How long there has been something to send has nothing to do with the time of day.
func TestStatusWhileClockJumps(t *testing.T) {
	for direction, jump := range jumps {
		t.Run(direction, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := startSite(t, server.Config{WriteTimeout: time.Hour})
				a := s.connect("/", nil)
				a.send(identity("a"), largeSet(1))
				a.expect(firstAck)
				b := s.connect("/", nil)
				b.link.hold(true)
				b.send(identity("b"), subscribe(0))
				time.Sleep(time.Second)
				s.clock.jump(jump)
				time.Sleep(9 * time.Second)
				for _, session := range s.server.Status().Sessions {
					if session.Client == "b" && session.Behind != 10*time.Second {
						t.Errorf("b is behind for %v, want 10 s", session.Behind)
					}
				}
			})
		})
	}
}
