package server_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"syncabled/revlog"
	"syncabled/revlog/boltlog"
)

// A world is a server, its clients, and what happens to them. It lives in a
// synctest bubble.
type world struct {
	t        *testing.T
	settings settings
	folder   string
	start    time.Time
	traces   bool
	clients  []*modelClient
	closing  sync.WaitGroup // servers on their way out
	clock    clock

	mu       sync.Mutex
	site     *modelSite // the server that runs, nil if none does
	path     string     // of the database's file
	copies   int
	starts   int // of servers
	failures []string
	lines    []string // of the trace

	copied atomic.Bool // a client has been copied: there are two devices with its identity
}

// An outcome is what became of a schedule.
type outcome struct {
	failures      []string
	trace         []string
	edits, undone int
	lost          losses // of clients that alone may write
	torn          int    // crashes of clients that had stored a batch and not their position
	forgot        bool   // a client has forgotten its name
	nudged        bool
}

// runSchedule lets a schedule happen and waits until all is quiet.
func runSchedule(t *testing.T, s schedule, traces bool) (result outcome) {
	folder, err := os.MkdirTemp(modelFolder(), "model")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(folder)
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, settings: s.settings, folder: folder, start: time.Now(), traces: traces, path: filepath.Join(folder, "0.db")}
		w.startServer()
		for i := range s.settings.clients {
			c := &modelClient{world: w, name: clientName(i), rng: rand.New(rand.NewPCG(s.seed, uint64(i+1))),
				threshold: s.settings.thresholds[i], db: newDatabase(), left: map[string]map[string]bool{},
				special: rand.New(rand.NewPCG(s.seed, 9+uint64(i)<<32)), soleWriter: s.isSoleWriter(i)}
			s.settings.naming.begin(c, i)
			c.readOnly.Store(s.settings.grants.readers[c.name])
			w.clients = append(w.clients, c)
			if s.settings.early {
				c.editObjects(c.rng)
			}
			c.open()
		}
		for _, step := range s.steps {
			time.Sleep(time.Until(w.start.Add(step.at)))
			w.do(step)
		}
		w.heal()
		w.settle(&result)
		w.end()
		w.compare()
		result.failures, result.trace = w.failures, w.lines
		for _, c := range w.clients {
			result.edits += c.edits
			result.undone += c.undone
			result.lost.add(c.lost)
			result.torn += c.torn
			result.forgot = result.forgot || c.forgot
		}
	})
	return result
}

// modelFolder is a folder where writing is cheap.
func modelFolder() string {
	const memory = "/dev/shm"
	if info, err := os.Stat(memory); err == nil && info.IsDir() {
		return memory
	}
	return ""
}

func (w *world) trace(format string, args ...any) {
	if !w.traces {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines = append(w.lines, fmt.Sprintf("%12s  %s", time.Since(w.start).Round(time.Microsecond), fmt.Sprintf(format, args...)))
}

func (w *world) fail(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failures = append(w.failures, fmt.Sprintf(format, args...))
}

// do makes a step.
func (w *world) do(s event) {
	c := w.clients[s.client]
	if s.kind == stepEdit {
		c.edit(s.seed)
		return
	}
	rng := rand.New(rand.NewPCG(s.seed, 3))
	w.trace("--- %s of %s", s.kind, c.name)
	wires := c.liveWires()
	switch s.kind {
	case stepCut, stepDeafen, stepMute, stepHoldUp:
		if len(wires) == 0 {
			return
		}
		wire := pick(rng, wires...)
		switch s.kind {
		case stepCut:
			wire.cut()
		case stepDeafen:
			wire.silence(&wire.down)
		case stepMute:
			wire.silence(&wire.up)
		case stepHoldUp:
			wire.holdUp(&wire.down, skewed(rng, 30*time.Second))
		}
	case stepOutage:
		until := time.Now().Add(skewed(rng, 20*time.Second))
		c.offline.Store(&until)
		for _, wire := range wires {
			wire.cut()
		}
	case stepCrash, stepPowerCut:
		w.crash(c, s.kind == stepPowerCut, skewed(rng, 20*time.Second))
	case stepTear:
		closed := skewed(rng, 20*time.Second)
		c.tears.Store(&closed)
	case stepLogin:
		w.crash(c, false, 0)
		c.user.Add(1)
	case stepSchema:
		w.changeSchema(c, rng)
	case stepPermit:
		w.permit(c, wires, rng)
	case stepIntrude:
		w.intrude(c, rng)
	case stepClock:
		w.clock.jump(time.Duration(rng.Int64N(int64(2*decade))) - decade)
	case stepRestart:
		w.restart(skewed(rng, 15*time.Second))
	case stepKill:
		w.kill(skewed(rng, 15*time.Second))
	}
}

// crash ends a client's app, and opens it again after some time.
func (w *world) crash(c *modelClient, silently bool, closed time.Duration) {
	if !c.crash(silently) {
		return
	}
	w.closing.Go(func() {
		time.Sleep(closed)
		c.open()
	})
}

// connect connects a wire to the server. It returns false if there is none, or
// no way to it.
func (w *world) connect(c *modelClient, wire *wire) bool {
	w.mu.Lock()
	site := w.site
	if site != nil {
		site.wires = append(site.wires, wire)
	}
	w.mu.Unlock()
	if until := c.offline.Load(); site == nil || until != nil && time.Now().Before(*until) {
		return false
	}
	return site.listener.connect(&serverEnd{wire: wire})
}

// heal ends all that stands in the way: no client and no server is down or cut
// off, and connections that are silent break.
func (w *world) heal() {
	w.trace("--- nothing more happens")
	for _, c := range w.clients {
		c.tears.Store(nil)
	}
	w.closing.Wait()
	for _, c := range w.clients {
		for _, wire := range c.liveWires() {
			if wire.up.silent || wire.down.silent {
				wire.cut()
			}
		}
	}
}

// quietTime is how long nothing may happen for all to be over: longer than any
// timeout.
const (
	modelQuiet    = 30 * time.Second
	modelPatience = 20 * time.Minute
)

// settle waits until nothing moves.
func (w *world) settle(result *outcome) {
	deadline := time.Now().Add(modelPatience)
	for before := ""; ; {
		time.Sleep(modelQuiet)
		now := w.state()
		if now == before && w.allSent() {
			return
		}
		if now == before && !result.nudged {
			result.nudged = true
			w.nudge()
		}
		if time.Now().After(deadline) {
			w.fail("it never gets quiet: %s", now)
			return
		}
		before = now
	}
}

// nudge has every client start over.
func (w *world) nudge() {
	w.trace("--- nudged")
	for _, c := range w.clients {
		for _, wire := range c.liveWires() {
			wire.cut()
		}
	}
}

func (w *world) state() string {
	var b strings.Builder
	for _, c := range w.clients {
		c.page.Load().task(func() {
			fmt.Fprintf(&b, "%s: local %d sent %d at %s holds %d unsent %d; ", c.name, c.db.rev, c.page.Load().node.myRevision, c.page.Load().node.applied, len(c.db.uncommitted), c.unsent())
		})
	}
	return b.String()
}

// unsent returns how many changes a client has still to send.
func (c *modelClient) unsent() int {
	if c.page.Load().node.myRevision < 0 {
		return 1
	}
	n := 0
	for _, l := range c.db.log {
		if !l.remote && l.rev > c.page.Load().node.myRevision {
			n++
		}
	}
	return n
}

func (w *world) allSent() bool {
	all := true
	for _, c := range w.clients {
		c.page.Load().task(func() { all = all && c.unsent() == 0 && len(c.db.uncommitted) == 0 })
	}
	return all
}

// end ends the clients and the server.
func (w *world) end() {
	for _, c := range w.clients {
		c.crash(false)
	}
	site := w.takeSite()
	site.stop()
	<-site.served
	time.Sleep(time.Hour) // for all timers
}

// compare compares what everybody has.
func (w *world) compare() {
	if _, err := boltlog.Verify(w.path); err != nil {
		w.fail("verify: %v", err)
	}
	want, err := serverContents(w.path)
	if err != nil {
		w.fail("read the log: %v", err)
	}
	for _, c := range w.clients {
		got := c.db.contents()
		ids := maps.Clone(got)
		maps.Copy(ids, want)
		for _, id := range slices.Sorted(maps.Keys(ids)) {
			if table, _, _ := strings.Cut(id, " "); !c.db.hasTable(table) {
				continue
			}
			if got[id] != want[id] {
				w.fail("%s has %s %q, the server %q", c.name, id, got[id], want[id])
			}
		}
	}
}

// serverContents returns the objects of a log in the form of those of a client.
func serverContents(path string) (map[string]string, error) {
	log, err := boltlog.Open(path, boltlog.Options{})
	if err != nil {
		return nil, err
	}
	defer log.Close()
	page, err := log.Read(context.Background(), revlog.Query{})
	contents := map[string]string{}
	for _, c := range page.Changes {
		if c.Obj != nil {
			contents[c.Table+" "+string(c.Key)] = text(parsed(string(c.Obj)))
		}
	}
	return contents, err
}
