package revlogtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	gocmp "github.com/google/go-cmp/cmp"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/revlog/revlogtest/dexie"
)

// Converge plays a schedule on an empty log: users edit, messages travel in both
// directions, each link at its own speed, and nothing is lost. It returns an
// error unless, when everything has come to rest, every client has sent all it
// has and holds exactly the server's objects. What happens is told to trace.
func Converge(ctx context.Context, log revlog.Log, s Schedule, trace func(format string, args ...any)) error {
	w := newWorld(log, s, trace)
	for range maxEvents {
		p, e, ok := w.next()
		if !ok {
			return w.check(ctx)
		}
		if err := w.happen(ctx, p, e); err != nil {
			return err
		}
	}
	return fmt.Errorf("no rest after %d events", maxEvents)
}

// maxEvents is far more than any schedule takes.
const maxEvents = 100_000

// A world is a server with its clients.
type world struct {
	Schedule
	log   revlog.Log
	head  protocol.Revision
	rng   *rand.Rand
	trace func(format string, args ...any)
	peers []*peer
}

// A peer is a client, its session on the server, and the network in between.
type peer struct {
	name    string
	client  *dexie.Client
	session session
	up      []protocol.Message // on the way to the server
	down    []any              // on the way to the client
	speed   [events]int        // how often each kind of event happens, relative to others
}

// An event is something that happens to a peer.
type event int

const (
	edits     event = iota // the user edits something
	connects               // the client connects
	notices                // the client notices that its table has changed
	sends                  // a message reaches the server
	completes              // the server loses patience with a set that is open
	pushes                 // the server sends a part of a batch
	receives               // a message reaches the client
	applies                // the client applies what it has received
	events                 // how many kinds there are
)

func newWorld(log revlog.Log, s Schedule, trace func(string, ...any)) *world {
	w := &world{Schedule: s, log: log, rng: rand.New(rand.NewPCG(s.Seed, 2)), trace: trace}
	for n := range s.Clients {
		p := &peer{name: string(rune('A' + n)), client: dexie.New(s.Threshold)}
		p.session = session{log: log, client: p.name, pageSize: s.PageSize, readOnly: n >= s.Clients-s.Readers}
		for e := range p.speed {
			p.speed[e] = []int{1, 4, 16}[w.rng.IntN(3)]
		}
		w.peers = append(w.peers, p)
		for range w.rng.IntN(s.Before + 1) {
			w.edit(p)
		}
	}
	return w
}

// next draws one of the events that can happen. It returns false if there is none.
func (w *world) next() (*peer, event, bool) {
	total := 0
	for _, p := range w.peers {
		for e := range events {
			if w.canHappen(p, e) {
				total += p.speed[e]
			}
		}
	}
	if total == 0 {
		return nil, 0, false
	}
	drawn := w.rng.IntN(total)
	for _, p := range w.peers {
		for e := range events {
			if !w.canHappen(p, e) {
				continue
			}
			if drawn -= p.speed[e]; drawn < 0 {
				return p, e, true
			}
		}
	}
	panic("unreachable")
}

func (w *world) canHappen(p *peer, e event) bool {
	switch e {
	case edits:
		return w.Edits > 0
	case connects:
		return !p.client.Connected()
	case notices:
		return p.client.Noticed()
	case sends:
		return len(p.up) > 0
	case completes:
		return p.session.holding && p.session.subscribed
	case pushes:
		return p.session.behind(w.head)
	case receives:
		return len(p.down) > 0
	case applies:
		return p.client.Arrived() > 0
	}
	return false
}

func (w *world) happen(ctx context.Context, p *peer, e event) error {
	if e == edits {
		w.Edits--
		w.edit(p)
		return nil
	}
	before := dexie.Encode(p.client.Table())
	if err := w.move(ctx, p, e); err != nil {
		return err
	}
	after := dexie.Encode(p.client.Table())
	if len(w.peers) == 1 && !p.session.readOnly && !bytes.Equal(before, after) {
		return fmt.Errorf("nobody else edits, but what was %s is %s now", before, after)
	}
	return nil
}

func (w *world) edit(p *peer) {
	w.trace("%s %s", p.name, w.Schedule.edit(w.rng, p.client))
}

// move lets something happen that is not an edit.
func (w *world) move(ctx context.Context, p *peer, e event) error {
	switch e {
	case connects:
		w.post(p, p.client.Connect(p.name))
	case notices:
		w.post(p, p.client.React())
	case applies:
		w.trace("%s applies what it received", p.name)
		w.post(p, p.client.Apply())
	case sends:
		message := p.up[0]
		p.up = p.up[1:]
		w.trace("%s is heard: %s", p.name, describe(message))
		answer, err := p.session.handle(ctx, message)
		if err != nil {
			return err
		}
		if answer != nil {
			p.down = append(p.down, answer)
		}
		return w.look(ctx)
	case completes:
		w.trace("%s has let the server wait", p.name)
		if err := p.session.complete(ctx); err != nil {
			return err
		}
		return w.look(ctx)
	case pushes:
		batch, err := p.session.push(ctx)
		if err != nil {
			return err
		}
		w.trace("%s is sent %s", p.name, describe(batch))
		p.down = append(p.down, batch)
	case receives:
		message := p.down[0]
		p.down = p.down[1:]
		w.trace("%s receives %s", p.name, describe(message))
		w.post(p, p.client.Receive(message))
		if broken := p.client.Broken(); broken != "" {
			return errors.New(broken)
		}
	}
	return nil
}

func (w *world) post(p *peer, messages []protocol.Message) {
	for _, message := range messages {
		w.trace("%s says: %s", p.name, describe(message))
	}
	p.up = append(p.up, messages...)
}

// look finds out where the log is.
func (w *world) look(ctx context.Context) error {
	page, err := w.log.Read(ctx, revlog.Query{Reader: stranger, After: w.head})
	w.head = page.Revision
	return err
}

// check compares what the clients hold with what the server holds.
func (w *world) check(ctx context.Context) error {
	page, err := w.log.Read(ctx, revlog.Query{Reader: stranger})
	if err != nil {
		return err
	}
	server := map[string]any{}
	for _, change := range page.Changes {
		if change.Type != protocol.Delete {
			server[protocol.Unquote([]byte(change.Key))] = dexie.Decode(change.Obj)
		}
	}
	for _, p := range w.peers {
		if n := p.client.Unsent(); n > 0 {
			return fmt.Errorf("%s has %d changes that it does not send", p.name, n)
		}
		if diff := gocmp.Diff(w.comparable(server), w.comparable(p.client.Table())); diff != "" {
			return fmt.Errorf("%s differs from the server (-server +client):\n%s", p.name, diff)
		}
	}
	return nil
}

// comparable returns a table as it can be expected to arrive everywhere: a
// property that was removed arrives as null.
func (w *world) comparable(table map[string]any) any {
	if w.Removals {
		return withoutNulls(table)
	}
	return table
}

func withoutNulls(value any) any {
	members, ok := value.(map[string]any)
	if !ok {
		return value
	}
	left := map[string]any{}
	for name, member := range members {
		if member = withoutNulls(member); member != nil {
			left[name] = member
		}
	}
	return left
}

// describe tells what a message says.
func describe(message any) string {
	switch m := message.(type) {
	case protocol.Changes:
		return fmt.Sprintf("request %s, base %d, partial %v, %s", m.RequestID, m.Base, m.Partial, readable(m.Changes))
	case protocol.Subscribe:
		return fmt.Sprintf("subscribe from %d", m.Synced)
	case dexie.Batch:
		return fmt.Sprintf("batch to %d, partial %v, %s", m.Revision, m.Partial, readable(m.Changes))
	case dexie.Ack:
		return "ack of " + m.RequestID
	}
	return fmt.Sprintf("%+v", message)
}
