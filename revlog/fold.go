package revlog

import (
	"bytes"
	"fmt"
	"time"

	"syncabled/conflict"
	"syncabled/protocol"
)

// A view is the committed state that a fold builds on.
type view interface {
	history
	head() (protocol.Revision, error)
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
	view        view
	objectBytes int // most an object may have after an update; 0 means any number

	base    protocol.Revision // head of the view
	entries []entry           // at revisions base+1, base+2, ...
	objects map[string]object // the changed ones
	changed map[string]client // zero if renamed
	seen    []string          // identities of clients to store
	parts   map[uint64]*held  // those of which something is, or was, held
	refused []refused
	last    uint64 // highest client number given

	appeared int // objects that are there now and were not, less those that are gone
	outcome  Outcome

	collisions []string // tables of the set at hand; see noteCollision
}

// held is what one client has open of a set.
type held struct {
	stored int    // messages in the view
	drop   bool   // they are used up
	added  []part // after them
	bytes  int    // that those take in the file, once they are stored
}

// refused is a change that was left out of a set.
type refused struct {
	client   uint64
	received time.Time
	refusal  protocol.Refusal
}

func newFold() *fold {
	return &fold{objects: map[string]object{}, changed: map[string]client{}, parts: map[uint64]*held{}}
}

// begin makes the fold an empty one that builds on a view.
func (f *fold) begin(v view) (err error) {
	f.reset() // it may have failed
	f.view = v
	if f.base, err = v.head(); err != nil {
		return err
	}
	f.last, err = v.clients()
	return err
}

// reset lets go of all that the fold refers to, and keeps its memory for the next
// one, unless it is much.
func (f *fold) reset() {
	const much = 4 << 10
	if cap(f.entries) > much {
		*f = *newFold()
		return
	}
	clear(f.entries)
	clear(f.seen)
	clear(f.objects)
	clear(f.changed)
	clear(f.parts)
	*f = fold{entries: f.entries[:0], seen: f.seen[:0], objects: f.objects, changed: f.changed, parts: f.parts}
}

func (f *fold) head() protocol.Revision {
	return f.base + protocol.Revision(len(f.entries))
}

// empty reports whether the fold has nothing to store.
func (f *fold) empty() bool {
	if len(f.entries)+len(f.seen)+len(f.refused) > 0 {
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
	if set.Was != "" {
		return Receipt{Head: f.head()}, f.rename(set.Was, set.Client)
	}
	before := len(f.entries)
	f.collisions = nil
	c, err := f.client(set.Client)
	if err != nil {
		return Receipt{}, err
	}
	silent := len(set.Changes)+len(set.Refused) == 0 && !set.Resync
	if silent && c.number == 0 {
		return Receipt{Head: f.head()}, nil // a stranger with nothing to say need not be remembered
	}
	if set.Base > f.head() {
		set.Base = 0 // of another history: nothing is known of what it has seen
	}
	now := part{base: set.Base, received: set.Time, connection: set.Connection, changes: set.Changes, sent: set.Sent, readOnly: set.ReadOnly}
	now.stale = set.Stale && ruleStale || set.Base < c.base && ruleBaseBack || set.Apart && ruleApart
	if !silent {
		c = f.see(set, c)
	}
	repairs := newRepairs(c)
	if err := f.refuse(c, set, repairs); err != nil {
		return Receipt{}, err
	}
	holds := set.Partial && !set.ReadOnly
	h, err := f.held(c.number)
	switch {
	case err != nil:
		return Receipt{}, err
	case holds:
		err = f.hold(c, h, now, repairs)
	case set.Resync:
		f.announce(set, c, h.stored > 0 && !h.drop || len(h.added) > 0)
	case set.Apart:
		err = f.resolvePart(c, &now, repairs)
	default:
		err = f.resolveAll(c, h, now, repairs)
	}
	if err == nil {
		err = f.mark(repairs)
	}
	return Receipt{Head: f.head(), Appended: len(f.entries) - before, Held: holds, Collisions: f.collisions}, err
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

// hold keeps a message of a set until the rest has come. What the client had been
// sent is known now only: its doubtful changes have their objects repaired at once,
// and again when they are resolved, because they cross that repair.
func (f *fold) hold(c client, h *held, p part, repairs *repairs) error {
	if len(p.changes) == 0 {
		return nil
	}
	for i := 0; i < len(p.changes) && p.sent > p.base; i++ {
		key := objectKey(p.changes[i].Table, p.changes[i].Key)
		obj, err := f.object(key)
		if err != nil {
			return err
		}
		doubtful, err := f.isDoubtful(c, &p, p.changes[i], obj)
		if err != nil {
			return err
		}
		if doubtful {
			repairs.add(key)
		}
	}
	p.sent = 0 // it is not stored
	h.added = append(h.added, p)
	f.parts[c.number] = h
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

// resolveAll appends what stands of the changes of a set: of what is held of it,
// and of its last message. Every message has its own base.
func (f *fold) resolveAll(c client, h *held, last part, repairs *repairs) error {
	parts, err := f.take(c.number, h)
	if err != nil {
		return err
	}
	if len(parts) > 0 {
		repairs.addUnheard(append(parts, last))
	}
	for _, p := range parts {
		if !ruleBases {
			p.base = last.base
		}
		if err := f.resolvePart(c, &p, repairs); err != nil {
			return err
		}
	}
	return f.resolvePart(c, &last, repairs)
}

func (f *fold) resolvePart(c client, p *part, repairs *repairs) error {
	for _, change := range p.changes {
		if err := f.resolveChange(c, p, change, repairs); err != nil {
			return err
		}
	}
	return nil
}

func (f *fold) resolveChange(c client, p *part, change protocol.Change, repairs *repairs) error {
	key := objectKey(change.Table, change.Key)
	obj, err := f.object(key)
	if err != nil {
		return err
	}
	if p.readOnly {
		if awaits, err := f.awaitsRepair(c, max(p.base, p.sent), obj); err != nil || awaits {
			return err
		}
	}
	others, repaired, err := effect(f, obj.last, p.base, f.head(), c.number)
	if err != nil {
		return err
	}
	resynced, err := c.resync.covers(f, obj, p.base)
	if err != nil {
		return err
	}
	doubtful, err := f.isDoubtful(c, p, change, obj)
	if err != nil {
		return err
	}
	if p.stale || repaired && ruleCrossing || resynced || doubtful {
		repairs.add(key)
	}
	rest, ok := others.Transform(change)
	f.outcome.noteConflict(change, rest, ok)
	if !ok {
		if !p.readOnly {
			f.noteCollision(change, obj)
		}
		return nil
	}
	if rest.Type == protocol.Update && obj.value != nil && obj.value[0] != '{' {
		repairs.add(key) // of what is no plain object, clients send mods that say too little
	}
	value := conflict.Apply(obj.value, rest)
	if p.readOnly {
		if ruleReadOnly && !obj.has(value) {
			repairs.add(key)
		}
		return nil
	}
	if reason := f.tooLarge(rest, value); reason != "" {
		refusal := protocol.Refusal{Table: rest.Table, Key: rest.Key, Change: protocol.AppendChange(nil, rest), Reason: reason}
		f.refused = append(f.refused, refused{c.number, p.received, refusal})
		repairs.add(key)
		return nil
	}
	return f.append(c.number, key, obj, rest, value)
}

// tooLarge says why an update may not make a value of its object.
func (f *fold) tooLarge(change protocol.Change, value []byte) string {
	if change.Type != protocol.Update || f.objectBytes == 0 || len(value) <= f.objectBytes {
		return ""
	}
	return fmt.Sprintf("the object would have %d bytes, over the limit of %d", len(value), f.objectBytes)
}

// append adds a change to the log, and the value it makes to its object, unless it
// changes nothing.
func (f *fold) append(client uint64, key string, obj object, change protocol.Change, value []byte) error {
	if obj.has(value) && (ruleUnchanged || value == nil) {
		return nil
	}
	if change.Type == protocol.Update {
		whole, err := f.goesWhole(change, value)
		if err != nil {
			return err
		}
		if whole {
			change = protocol.Change{Type: protocol.Create, Table: change.Table, Key: change.Key}
		}
	}
	// They outlive the frame and the transaction that they may be a part of.
	value, change.Mods = bytes.Clone(value), bytes.Clone(change.Mods)
	if change.Type == protocol.Create {
		change.Obj = value
	}
	e := entry{revision: f.head() + 1, client: client, previous: obj.last, change: change}
	f.entries = append(f.entries, e)
	f.objects[key] = obj.after(e, value)
	switch {
	case obj.value == nil:
		f.appeared++
	case value == nil:
		f.appeared--
	}
	return nil
}

// has reports whether the object has a value.
func (o object) has(value []byte) bool {
	return bytes.Equal(o.value, value) && (o.value == nil) == (value == nil)
}

// after returns the object as entry e, which gives it a value, leaves it.
func (o object) after(e entry, value []byte) object {
	owner := e.client
	if e.isMark() || o.last != 0 && o.owner != e.client {
		owner = 0
	}
	return object{last: e.revision, owner: owner, value: value}
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
	if stored > 0 {
		f.parts[client] = h
	}
	return h, nil
}
