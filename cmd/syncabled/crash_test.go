package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

var crashes = flag.Int("crashes", 5, "how often TestKilledUnderWriters kills the server")

const crashWriters = 16

// TestKilledUnderWriters kills the server while writers write, again and again.
// What was acknowledged has to be there after each restart, no set may be there
// in part, and the file has to hold together.
func TestKilledUnderWriters(t *testing.T) {
	folder := t.TempDir()
	ledger := newLedger()
	for round := range *crashes {
		crash(t, folder, round, ledger)
		p, addr := serve(t, folder)
		ledger.check(t, readAll(t, addr))
		stop(t, p)
		if code := run(context.Background(), []string{"verify", "--data", filepath.Join(folder, "data")}, os.Getenv, nil, io.Discard, os.Stderr); code != exitOK {
			t.Fatalf("round %d: verify ended with %d", round, code)
		}
		if t.Failed() {
			t.Fatalf("round %d of %d", round, *crashes)
		}
	}
}

// crash serves writers until a number of sets has been acknowledged, and kills
// the server.
func crash(t *testing.T, folder string, round int, ledger *ledger) {
	t.Helper()
	p, addr := serve(t, folder)
	ledger.expect(100 + rand.IntN(400))
	var writers sync.WaitGroup
	for w := range crashWriters {
		writers.Go(func() { writeSets(addr, fmt.Sprintf("%d-%d", round, w), ledger) })
	}
	select {
	case <-ledger.reached:
	case <-p.ended:
		t.Errorf("the server ended by itself:\n%s", p.output)
	}
	p.kill()
	writers.Wait()
}

func serve(t *testing.T, folder string, flags ...string) (*process, string) {
	t.Helper()
	p, err := startPiped(folder, append([]string{"serve", "--listen", "127.0.0.1:0"}, flags...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	match, err := p.output.await(`"url":"ws://([^/]+)/"`)
	if err != nil {
		t.Fatal(err)
	}
	return p, match[1]
}

func stop(t *testing.T, p *process) {
	t.Helper()
	if err := p.signal("TERM"); err != nil {
		t.Fatal(err)
	}
	if code, err := p.wait(); err != nil || code != exitOK {
		t.Fatalf("exit code %d, %v", code, err)
	}
}

// setSize is the number of changes of each set.
const setSize = 3

// writeSets submits sets, every fourth one in parts, until the server is gone.
func writeSets(addr, writer string, ledger *ledger) {
	c, err := dial(addr, "/")
	if err != nil {
		return
	}
	defer c.conn.CloseNow()
	for n := 0; ; n++ {
		set := fmt.Sprintf("%s-%d", writer, n)
		if c.submitSet(set, n%4 == 3) != nil {
			return
		}
		ledger.acknowledge(set)
	}
}

// submitSet creates the objects of a set, and returns when all of it has been
// acknowledged.
func (c *client) submitSet(set string, inParts bool) error {
	var changes []string
	for i := range setSize {
		key := fmt.Sprintf("%s/%d", set, i)
		changes = append(changes, fmt.Sprintf(`{"type":1,"table":"items","key":%q,"obj":{"id":%[1]q}}`, key))
	}
	if !inParts {
		return c.submitPart(strings.Join(changes, ","), false)
	}
	for i, change := range changes {
		if err := c.submitPart(change, i < setSize-1); err != nil {
			return err
		}
	}
	return nil
}

func (c *client) submitPart(changes string, partial bool) error {
	c.requests++
	err := c.send(context.Background(), fmt.Sprintf(
		`{"type":"changes","requestId":%d,"baseRevision":null,"partial":%t,"changes":[%s]}`, c.requests, partial, changes))
	if err != nil {
		return err
	}
	select {
	case <-c.acks:
		return nil
	case <-c.ended:
		return errors.New("no ack")
	}
}

// A ledger is what the writers were promised.
type ledger struct {
	mu      sync.Mutex
	sets    map[string]bool
	missing int           // acknowledgements until reached
	reached chan struct{} // closed when there are as many as expected
}

func newLedger() *ledger { return &ledger{sets: map[string]bool{}} }

func (l *ledger) expect(acknowledgements int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.missing, l.reached = acknowledgements, make(chan struct{})
}

func (l *ledger) acknowledge(set string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sets[set] = true
	if l.missing--; l.missing == 0 {
		close(l.reached)
	}
}

// check compares the promises with the keys that the server has.
func (l *ledger) check(t *testing.T, keys []string) {
	t.Helper()
	found := map[string]int{}
	for _, key := range keys {
		set, _, _ := strings.Cut(key, "/")
		found[set]++
	}
	for set, n := range found {
		if n != setSize {
			t.Errorf("set %s is there in part: %d of %d", set, n, setSize)
		}
	}
	for set := range l.sets {
		if found[set] == 0 {
			t.Errorf("set %s was acknowledged and is gone", set)
		}
	}
}

// readAll returns the keys that a new client gets.
func readAll(t *testing.T, addr string) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, "ws://"+addr+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	conn.SetReadLimit(-1)
	for _, frame := range []string{`{"type":"clientIdentity","clientIdentity":null}`, `{"type":"subscribe","syncedRevision":null}`} {
		if err := conn.Write(ctx, websocket.MessageText, []byte(frame)); err != nil {
			t.Fatal(err)
		}
	}
	var keys []string
	for partial := true; partial; {
		var m struct {
			Type    string
			Partial bool
			Changes []struct{ Key json.RawMessage }
		}
		if err := wsjson.Read(ctx, conn, &m); err != nil {
			t.Fatal(err)
		}
		if m.Type != "changes" {
			continue
		}
		partial = m.Partial
		for _, change := range m.Changes {
			keys = append(keys, strings.Trim(string(change.Key), `"`))
		}
	}
	return keys
}
