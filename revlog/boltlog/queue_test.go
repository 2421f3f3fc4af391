package boltlog

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"syncabled/protocol"
	"syncabled/revlog"
)

// A queueWorld is an order whose requests are only taken, and what has to be true of it.
type queueWorld struct {
	t       *rapid.T
	order   *order
	now     time.Time
	waiting []*request       // oldest first
	takes   map[*request]int // within how many it has to be taken
	large   bool             // the last group was one that is too large
}

func (w *queueWorld) push() {
	client := rapid.SampledFrom([]string{"a", "b", "c", "d", "e"})
	var r *request
	if rapid.IntRange(0, 9).Draw(w.t, "kind") == 0 {
		r = w.order.newRequest(revlog.Rename{From: client.Draw(w.t, "from"), To: client.Draw(w.t, "to")})
	} else {
		r = w.order.newRequest(revlog.Set{Client: client.Draw(w.t, "client")})
		r.weight = rapid.SampledFrom([]int{1, 1000, maxGroupWeight / 3, maxGroupWeight, maxGroupWeight + 1, 5 * maxGroupWeight}).Draw(w.t, "weight")
	}
	w.order.push(r)
	w.waiting = append(w.waiting, r)
}

// due notes within how many groups those are taken that have waited for long.
func (w *queueWorld) due() {
	for i, r := range w.waiting {
		if _, noted := w.takes[r]; !noted && !r.passed.IsZero() && w.now.Sub(r.passed) >= patience {
			w.takes[r] = 2 * (i + 1)
		}
	}
}

func (w *queueWorld) take() {
	w.due()
	light := w.lightest()
	group := w.order.take(w.now)
	if len(group) == 0 {
		w.t.Fatal("no group of those that wait")
	}
	taken, weight := map[*request]bool{}, 0
	for _, r := range group {
		if taken[r] {
			w.t.Fatal("a request was taken twice")
		}
		taken[r] = true
		weight += r.weight
	}
	if weight > 2*maxGroupWeight && len(group) > 1 {
		w.t.Fatalf("a group of %d weighs %d", len(group), weight)
	}
	large := group[0].weight > maxGroupWeight
	if light != nil && !taken[light] && (!large || w.large) {
		w.t.Fatalf("the lightest request is not taken, and the group before was large: %t", w.large)
	}
	w.large = large
	w.remove(taken)
}

// lightest returns one of those that weigh least and may be taken, nil if all are too
// large for a group.
func (w *queueWorld) lightest() (light *request) {
	seen := map[string]bool{}
	for _, r := range w.waiting {
		free := !slices.ContainsFunc(r.command.Clients(), func(identity string) bool { return seen[identity] })
		for _, identity := range r.command.Clients() {
			seen[identity] = true
		}
		if free && r.weight <= maxGroupWeight && (light == nil || r.weight < light.weight) {
			light = r
		}
	}
	return light
}

func (w *queueWorld) remove(taken map[*request]bool) {
	var rest []*request
	passed := map[string]bool{}
	for _, r := range w.waiting {
		for _, identity := range r.command.Clients() {
			if taken[r] && passed[identity] {
				w.t.Fatalf("a request of %s was taken before an older one", identity)
			}
		}
		if taken[r] {
			continue
		}
		if w.takes[r]--; w.takes[r] == 0 {
			w.t.Fatal("a request has waited for too many groups")
		}
		for _, identity := range r.command.Clients() {
			passed[identity] = true
		}
		rest = append(rest, r)
	}
	if w.waiting = rest; len(rest) != w.order.len() {
		w.t.Fatalf("%d requests wait, want %d", w.order.len(), len(rest))
	}
}

// Requests of one client keep their order, nobody waits without end, and who sends a
// little waits for one large set at most.
func TestQueueIsFair(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &queueWorld{t: t, order: newOrder(&store{file: &file{}}), now: time.Now(), takes: map[*request]int{}}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.SampledFrom([]string{"push", "push", "take", "wait"}).Draw(t, "step") {
			case "push":
				w.push()
			case "take":
				if len(w.waiting) > 0 {
					w.take()
				}
			case "wait":
				w.now = w.now.Add(patience / 2)
			}
		}
		for len(w.waiting) > 0 {
			w.take()
		}
	})
}

// However many smaller ones come, a set is not passed for ever.
func TestQueuePassesNobodyForEver(t *testing.T) {
	for _, weight := range []int{maxGroupWeight, 2 * maxGroupWeight} {
		o, now := newOrder(&store{file: &file{}}), time.Now()
		push := func(weight int) *request {
			r := o.newRequest(revlog.Set{Client: fmt.Sprint(o.len())})
			r.weight = weight
			o.push(r)
			return r
		}
		first := push(weight)
		taken := false
		for range 10 {
			push(maxGroupWeight / 2)
			push(maxGroupWeight / 2)
			taken = taken || slices.Contains(o.take(now), first)
			now = now.Add(patience / 4)
		}
		if !taken {
			t.Errorf("a request of weight %d is still passed after %v", weight, 10*patience/4)
		}
	}
}

// A small set that comes while many large ones wait is committed before most of them.
func TestSmallSetPassesLargeOnes(t *testing.T) {
	db, err := Open(filepath.Join(t.TempDir(), "queue.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	const large = 6
	done := make(chan string, large+1)
	submit := func(client string, changes int) {
		set := setOf(1, 0)
		set.Client = client
		for i := range changes {
			set.Changes = append(set.Changes, protocol.Change{Type: protocol.Create, Table: "t", Key: protocol.Key(fmt.Sprint(i)), Obj: []byte(`{}`)})
		}
		r := db.order.newRequest(set)
		db.order.push(r)
		go func() {
			if <-r.done; r.err != nil {
				client = r.err.Error()
			}
			done <- client
		}()
	}
	db.order.commitMu.Lock()
	for i := range large {
		submit(fmt.Sprint("large", i), maxGroupWeight/changeWeight+1)
	}
	submit("small", 1)
	db.order.commitMu.Unlock()
	if first := <-done; first != "small" {
		t.Errorf("the first answer is for %s", first)
	}
	for range large {
		<-done
	}
}

// Those of a group that come first are not answered after those that take long.
func TestSlowGroupIsCut(t *testing.T) {
	var commits []int
	options := Options{bounds: bounds{groupTime: 1}, Observe: func(c revlog.Commit) { commits = append(commits, c.Commands) }}
	db, err := OpenStepper(filepath.Join(t.TempDir(), "queue.db"), options)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	receipts, err := db.Commit(setOf(1, 1), setOf(2, 1), setOf(3, 1))
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range receipts {
		if r.Head != protocol.Revision(i+1) || r.Appended != 1 {
			t.Errorf("set %d has the receipt %+v", i, r)
		}
	}
	if want := []int{1, 1, 1}; !slices.Equal(commits, want) {
		t.Errorf("the transactions have %v commands, want %v", commits, want)
	}
}

// A lone writer does not pass those that wait.
func TestLoneWriterWaitsForThoseBefore(t *testing.T) {
	o := newOrder(&store{file: &file{}})
	o.push(o.newRequest(setOf(1, 1)))
	if o.commitAlone(o.newRequest(setOf(1, 1))) {
		t.Error("committed before an older one")
	}
	o.abandon(errors.New("the test is over"))
}
