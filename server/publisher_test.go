package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"syncabled/revlog"
	"syncabled/server"
)

// A delivery is what of a batch matters here.
type delivery struct {
	Type    string
	Changes []struct{ Key string }
	Current int `json:"currentRevision"`
}

// deliveries returns the keys of the changes among messages in their order. It
// fails the test if positions go back.
func deliveries(t *testing.T, name string, messages []string) []string {
	t.Helper()
	var keys []string
	position := 0
	for _, message := range messages {
		var d delivery
		if err := json.Unmarshal([]byte(message), &d); err != nil {
			t.Fatal(err)
		}
		if d.Type != "changes" {
			continue
		}
		if d.Current < position {
			t.Errorf("%s: position %d after %d", name, d.Current, position)
		}
		position = d.Current
		for _, change := range d.Changes {
			keys = append(keys, change.Key)
		}
	}
	return keys
}

// Clients write at once, and take in nothing at times, so that their feeds go from
// hand to hand. Everybody gets all changes of the others once, those of one client
// in their order.
func TestEverybodyGetsEverythingOnce(t *testing.T) {
	for seed := range uint64(8) {
		synctest.Test(t, func(t *testing.T) { playFeeds(t, rand.New(rand.NewPCG(seed, 1))) })
	}
}

func playFeeds(t *testing.T, rng *rand.Rand) {
	const clients, rounds = 6, 30
	s := startSite(t, server.Config{})
	var all []*client
	for i := range clients {
		c := s.connect("/", nil)
		c.send(identity(string(rune('a'+i))), changes(1), subscribe(0))
		all = append(all, c)
	}
	got, sent := make([][]string, clients), make([][]string, clients)
	waiting := make([]bool, clients) // for an acknowledgement that it does not take in
	for round := range rounds {
		for i, c := range all {
			held := rng.IntN(3) == 0
			c.link.hold(held)
			waiting[i] = waiting[i] && held
			if rng.IntN(2) == 0 || waiting[i] {
				continue
			}
			waiting[i] = held
			key := fmt.Sprintf("%c%d", 'a'+i, round)
			sent[i] = append(sent[i], key)
			c.send(changes(round+2, object(key, rng.IntN(40)<<10)))
		}
		time.Sleep(time.Duration(rng.IntN(3)) * time.Millisecond)
		for i, c := range all {
			got[i] = append(got[i], c.received()...)
		}
	}
	for _, c := range all {
		c.link.hold(false)
	}
	for i, c := range all {
		name := string(rune('a' + i))
		keys := deliveries(t, name, append(got[i], c.received()...))
		for other := range all {
			of := slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return key[0] != byte('a'+other) })
			want := sent[other]
			if other == i {
				want = nil
			}
			if !slices.Equal(of, want) {
				t.Errorf("%s got of %c %v, want %v", name, 'a'+other, of, want)
			}
		}
		if !c.isOpen() {
			t.Errorf("%s has lost its connection: %v %v", name, c.ending(), s.events.about("connection ended"))
		}
	}
}

// A client whose socket is full gets the rest of the frame that is on its way, and
// then, in one batch, all that it missed. Nobody waits for it.
func TestFullSocketFallsBackToItsPosition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{})
		writer, reader, full := s.connect("/", nil), s.connect("/", nil), s.connect("/", nil)
		writer.send(identity("writer"))
		for _, c := range []*client{reader, full} {
			c.send(identity(fmt.Sprintf("%p", c)), subscribe(0))
			c.received()
		}
		full.link.hold(true)
		var want []string
		for i := range 20 {
			key := fmt.Sprint("k", i)
			want = append(want, key)
			writer.send(changes(i+1, object(key, 10<<10)))
			if n := len(reader.received()); n != 1 {
				t.Fatalf("a client that keeps up got %d batches, want 1", n)
			}
		}
		full.link.hold(false)
		messages := full.received()
		if keys := deliveries(t, "full", messages); !slices.Equal(keys, want) {
			t.Errorf("got %v, want %v", keys, want)
		}
		if len(messages) > 10 {
			t.Errorf("got %d batches, want what was missed in one", len(messages))
		}
		writer.send(changes(21, object("after", 1)))
		if keys := deliveries(t, "full", full.received()); !slices.Equal(keys, []string{"after"}) {
			t.Errorf("after that got %v", keys)
		}
	})
}

// Who is muted gets nothing more, though the publisher had its feed.
func TestMutedSessionIsNotPublishedTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{})
		writer, older := s.connect("/", nil), s.connect("/", nil)
		writer.send(identity("writer"))
		older.send(identity("reader"), subscribe(0))
		older.received()
		time.Sleep(time.Second)
		newer := s.connect("/", nil)
		newer.send(identity("reader"), subscribe(0))
		newer.received()
		writer.send(changes(1, object("k", 1)))
		if keys := deliveries(t, "newer", newer.received()); !slices.Equal(keys, []string{"k"}) {
			t.Errorf("the newer connection got %v", keys)
		}
		older.expect()
		if !older.isOpen() {
			t.Error("the older connection is not open")
		}
	})
}

// An acknowledgement and the batch that comes with it are one write.
func TestAcknowledgementAndBatchAreOneWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{})
		a := s.connect("/", nil)
		a.send(identity("a"), subscribe(0))
		a.received()
		before := a.link.down.written()
		a.send(changes(1, object("k", 1)))
		got := strings.Join(a.received(), " ")
		if want := firstAck + ` {"type":"changes","changes":[],"currentRevision":1,"partial":false}`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if n := a.link.down.written() - before; n != 1 {
			t.Errorf("%d writes, want 1", n)
		}
	})
}

// A readsLog counts the batches that are read for one client, and not for all.
type readsLog struct {
	revlog.Log
	reads *atomic.Int64
}

func (l readsLog) Read(ctx context.Context, q revlog.Query) (revlog.Page, error) {
	if q.Reader != "" {
		l.reads.Add(1)
	}
	return l.Log.Read(ctx, q)
}

// Clients that name tables get what the publisher makes for all, as long as it has no
// table that they lack. Else each reads for itself, and the next time it is as before.
func TestPublisherServesClientsThatNameTables(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, server.Config{})
		var reads atomic.Int64
		s.wrapLog = func(log revlog.Log) revlog.Log { return readsLog{log, &reads} }
		s.start()
		writer := s.connect("/", nil)
		writer.send(identity("writer"))
		lists := []string{`,"tables":["t"]`, `,"tables":["t"]`, `,"tables":["u","t"]`, `,"tables":["t","u"]`, ""}
		var readers []*client
		for i, list := range lists {
			c := s.connect("/", nil)
			c.send(fmt.Sprintf(`{"type":"clientIdentity","clientIdentity":"%d"%s}`, i, list), subscribe(0))
			c.received()
			readers = append(readers, c)
		}
		inU := func(key string) string { return strings.Replace(object(key, 1), `"table":"t"`, `"table":"u"`, 1) }
		for i, step := range []struct {
			changes []string
			alone   int64 // clients that read for themselves
		}{
			{[]string{object("a", 1)}, 0},
			{[]string{object("b", 1), inU("c")}, 2},
			{[]string{inU("d")}, 2},
			{[]string{object("e", 1)}, 0},
		} {
			reads.Store(0)
			writer.send(changes(i+1, step.changes...))
			writer.received()
			for j, c := range readers {
				var want []string
				for _, change := range step.changes {
					if strings.Contains(lists[j], `"u"`) || lists[j] == "" || strings.Contains(change, `"table":"t"`) {
						want = append(want, change)
					}
				}
				batch := fmt.Sprintf(`{"type":"changes","changes":[%s],`, strings.Join(want, ","))
				if got := c.received(); len(got) != 1 || !strings.HasPrefix(got[0], batch) {
					t.Errorf("step %d: client %d got %q, want %s", i, j, got, batch)
				}
			}
			if n := reads.Load(); n != step.alone {
				t.Errorf("step %d: %d batches were read for one client, want %d", i, n, step.alone)
			}
		}
	})
}
