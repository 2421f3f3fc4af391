package revlog

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"syncabled/conflict"
	"syncabled/protocol"
)

// A view is the committed state that a fold builds on.
type view interface {
	head() (protocol.Revision, error)
	entry(rev protocol.Revision) (entry, error)
	object(key string) (object, error)
	client(identity string) (client, error) // zero if unknown
	clients() (uint64, error)               // highest number given
	held(client uint64) ([]part, error)     // in the order of the set
	heldCount(client uint64) (int, error)   // how many there are
}

// A fold applies sets, one after the other, to a view. It is a pure function of
// both: it reads no clock, no random numbers and no order of a map, so that the
// same sets give the same revisions everywhere. What it adds to the view is in
// its fields, for the caller to store.
type fold struct {
	view view

	base    protocol.Revision // head of the view
	entries []entry           // at revisions base+1, base+2, ...
	objects map[string]object // the changed ones
	known   map[string]client // those met
	seen    []string          // identities of clients to store
	parts   map[uint64]*held  // those met
	last    uint64            // highest client number given
}

// held is what one client has open of a set.
type held struct {
	stored int    // messages in the view
	drop   bool   // they are used up
	added  []part // after them
}

func newFold(v view) (*fold, error) {
	base, err := v.head()
	if err != nil {
		return nil, err
	}
	last, err := v.clients()
	return &fold{
		view:    v,
		base:    base,
		last:    last,
		objects: map[string]object{},
		known:   map[string]client{},
		parts:   map[uint64]*held{},
	}, err
}

func (f *fold) head() protocol.Revision {
	return f.base + protocol.Revision(len(f.entries))
}

// empty reports whether the fold has nothing to store.
func (f *fold) empty() bool {
	if len(f.entries) > 0 || len(f.seen) > 0 {
		return false
	}
	for _, h := range f.parts {
		if h.drop && h.stored > 0 || len(h.added) > 0 {
			return false
		}
	}
	return true
}

// apply resolves a set, or holds it if it is partial.
func (f *fold) apply(set Set) (Receipt, error) {
	if err := set.check(); err != nil {
		return Receipt{}, err
	}
	before := len(f.entries)
	c, err := f.client(set.Client)
	if err != nil {
		return Receipt{}, err
	}
	if len(set.Changes) == 0 && c.number == 0 {
		return Receipt{Head: f.head()}, nil // a stranger with nothing to say need not be remembered
	}
	if len(set.Changes) > 0 {
		c = f.see(set.Client, c, set.Time)
	}
	h, err := f.held(c.number)
	if err != nil {
		return Receipt{}, err
	}
	now := part{base: set.Base, received: set.Time, changes: set.Changes}
	if set.Partial {
		if len(set.Changes) > 0 {
			h.added = append(h.added, now)
		}
		return Receipt{Head: f.head(), Held: true}, nil
	}
	parts, err := f.take(c.number, h)
	if err != nil {
		return Receipt{}, err
	}
	for _, p := range append(parts, now) {
		if err := f.resolve(c.number, p); err != nil {
			return Receipt{}, err
		}
	}
	return Receipt{Head: f.head(), Appended: len(f.entries) - before}, nil
}

// maxName is how long the identity of a client may be, and the table and key of
// an object together: about as long as a key of bbolt. Longer ones could be
// logged, but not stored.
const maxName = 32_000

// check refuses what the file has no room for.
func (s Set) check() error {
	if s.Client == "" || len(s.Client) > maxName {
		return fmt.Errorf("identity of %d bytes: 1 to %d can be stored", len(s.Client), maxName)
	}
	for _, c := range s.Changes {
		if n := len(c.Table) + len(c.Key); n > maxName {
			return fmt.Errorf("table and key of %d bytes: %d can be stored", n, maxName)
		}
	}
	return nil
}

// take empties what is held of a client and returns it.
func (f *fold) take(client uint64, h *held) (parts []part, err error) {
	if h.stored > 0 && !h.drop {
		if parts, err = f.view.held(client); err != nil {
			return nil, err
		}
	}
	parts = append(parts, h.added...)
	h.added, h.drop = nil, true
	return parts, nil
}

// resolve appends what stands of the changes of one message. Every message of a
// partial set has its own base.
func (f *fold) resolve(client uint64, p part) error {
	for _, change := range p.changes {
		key := objectKey(change.Table, change.Key)
		obj, err := f.object(key)
		if err != nil {
			return err
		}
		others, err := effect(f, obj.last, p.base, f.head(), client)
		if err != nil {
			return err
		}
		if rest, ok := others.Transform(change); ok {
			f.append(client, key, obj, rest)
		}
	}
	return nil
}

// append adds a change to the log and to its object, unless it changes nothing.
func (f *fold) append(client uint64, key string, obj object, change protocol.Change) {
	value := conflict.Apply(obj.value, change)
	if bytes.Equal(value, obj.value) && (value == nil) == (obj.value == nil) {
		return
	}
	if change.Type == protocol.Update && isOutbound(change.Key, value) {
		change = protocol.Change{Type: protocol.Create, Table: change.Table, Key: change.Key, Obj: value}
	}
	// They outlive the frame and the transaction that they may be a part of.
	value, change.Mods = bytes.Clone(value), bytes.Clone(change.Mods)
	if change.Type == protocol.Create {
		change.Obj = value
	}
	e := entry{revision: f.head() + 1, client: client, previous: obj.last, change: change}
	f.entries = append(f.entries, e)
	f.objects[key] = obj.after(e, value)
}

// after returns the object as entry e, which gives it a value, leaves it.
func (o object) after(e entry, value []byte) object {
	owner := e.client
	if o.last != 0 && o.owner != e.client {
		owner = 0
	}
	return object{last: e.revision, owner: owner, value: value}
}

// history finds entries by revision.
type history interface {
	entry(rev protocol.Revision) (entry, error)
}

// effect returns the net effect of the entries of one object in (after, to]
// that do not come from the client except. The chain of entries is walked from
// the object's last one back, no further than to an entry that makes those
// before it irrelevant.
func effect(h history, last, after, to protocol.Revision, except uint64) (conflict.Effect, error) {
	var run []protocol.Change
	for rev := last; rev > after; {
		e, err := h.entry(rev)
		if err != nil {
			return conflict.Effect{}, err
		}
		rev = e.previous
		if e.revision > to || e.client == except {
			continue
		}
		run = append(run, e.change)
		if e.change.Type != protocol.Update {
			break
		}
	}
	var net conflict.Effect
	for _, change := range slices.Backward(run) {
		net = net.Then(change)
	}
	return net, nil
}

func (f *fold) entry(rev protocol.Revision) (entry, error) {
	if rev > f.base {
		return f.entries[rev-f.base-1], nil
	}
	return f.view.entry(rev)
}

func (f *fold) object(key string) (object, error) {
	if obj, ok := f.objects[key]; ok {
		return obj, nil
	}
	return f.view.object(key)
}

func (f *fold) client(identity string) (client, error) {
	if c, ok := f.known[identity]; ok {
		return c, nil
	}
	c, err := f.view.client(identity)
	if err == nil && c.number != 0 {
		f.known[identity] = c
	}
	return c, err
}

// see notes that a client wrote at a time, and numbers it if it is new. The time
// is kept to the hour, so that a busy client is not stored with every set.
func (f *fold) see(identity string, c client, at time.Time) client {
	hour := uint64(max(at.Unix(), 0) / 3600)
	if c.number != 0 && c.hour >= hour {
		return c
	}
	if c.number == 0 {
		f.last++
		c.number = f.last
	}
	c.hour = hour
	f.known[identity] = c
	f.seen = append(f.seen, identity)
	return c
}

// held returns what is held of a client. It does not read the messages in the
// view: a set may come in thousands of them.
func (f *fold) held(client uint64) (*held, error) {
	if h, ok := f.parts[client]; ok {
		return h, nil
	}
	stored, err := f.view.heldCount(client)
	if err != nil {
		return nil, err
	}
	h := &held{stored: stored}
	f.parts[client] = h
	return h, nil
}
