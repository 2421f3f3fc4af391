// Package fold resolves what is submitted to a log. It is pure: what becomes of a
// command depends on it and on the state that it meets, and on no clock, setting, random
// number or order of a map. So the same commands give the same revisions everywhere.
package fold

import (
	"bytes"
	"fmt"
	"slices"

	"syncabled/conflict"
	"syncabled/protocol"
	"syncabled/revlog"
)

// A View is the committed state that a fold builds on.
type View interface {
	History
	Head() (protocol.Revision, error)
	Object(key string) (Object, error)      // by [ObjectKey]; zero if there is none
	Client(identity string) (Client, error) // zero if unknown
	LastClient() (uint64, error)            // highest number given
	HeldCount(client uint64) (int, error)   // how many messages are held of a client's set

	// EachHeld visits them in the order of the set, up to an error.
	EachHeld(client uint64, visit func(*Part) error) error
}

// A Fold applies commands, one after the other, to a view.
type Fold struct {
	view       View
	result     Result
	collisions []string // tables of the command at hand; see noteCollision
	lookup     lookup   // the last one
}

// New returns a fold, which is to be begun.
func New() *Fold { return &Fold{result: emptyResult()} }

// Begin makes the fold an empty one that builds on a view.
func (f *Fold) Begin(v View) (err error) {
	f.Reset() // it may have failed
	f.view = v
	if f.result.Base, err = v.Head(); err != nil {
		return err
	}
	f.result.LastClient, err = v.LastClient()
	return err
}

// Reset lets go of all that the fold refers to, and of its result. It keeps their
// memory for the next one, unless it is large.
func (f *Fold) Reset() {
	f.result.reset()
	f.view, f.collisions, f.lookup = nil, nil, lookup{}
}

// Result returns what the commands since Begin add to the view. It is valid until the
// next Apply, Begin or Reset.
func (f *Fold) Result() Result { return f.result }

// Apply resolves a command. After an error the fold is to be begun anew.
func (f *Fold) Apply(c revlog.Command) (revlog.Receipt, error) {
	before := len(f.result.Entries)
	f.collisions = nil
	var receipt revlog.Receipt
	var err error
	switch c := c.(type) {
	case revlog.Set:
		receipt.Held, err = f.set(c)
	case revlog.Finish:
		_, err = f.set(revlog.Set{Client: c.Client, Time: c.Time, Connection: c.Connection, Limits: c.Limits})
	case revlog.Subscribe:
		receipt.Anew, receipt.AllAnew, err = f.subscribe(c)
	case revlog.Resync:
		err = f.resync(c)
	case revlog.Rename:
		err = f.rename(c)
	case revlog.Confirm:
		err = f.note(c.Client, func(c *Client) { c.Confirmed = true })
	case revlog.Stray:
		err = f.note(c.Client, func(c *Client) { c.Strayed = true })
	default:
		err = fmt.Errorf("unknown command %T", c)
	}
	receipt.Head, receipt.Appended, receipt.Collisions = f.head(), len(f.result.Entries)-before, f.collisions
	return receipt, err
}

// set resolves a set, or holds it if it is partial.
func (f *Fold) set(set revlog.Set) (holds bool, err error) {
	if err := check(set); err != nil {
		return false, err
	}
	c, err := f.client(set.Client)
	if err != nil {
		return false, err
	}
	silent := len(set.Changes)+len(set.Refused) == 0
	if silent && c.Number == Nobody {
		return false, nil // a stranger with nothing to say need not be remembered
	}
	set.Base = f.knownBase(set.Base)
	part := Part{
		Base: set.Base, Received: set.Time, Connection: set.Connection, Changes: set.Changes,
		sent: set.Sent, readOnly: set.ReadOnly, limits: set.Limits,
	}
	part.Stale = set.Stale && ruleStale || set.Apart && ruleApart
	part.Back = set.Base < c.Base && ruleBaseBack
	if !silent {
		c = f.touch(set.Client, c, set.Time, set.Base)
	}
	f.result.Entries = slices.Grow(f.result.Entries, len(set.Changes))
	repairs := newRepairs(c)
	if err := f.refuse(c, set, repairs); err != nil {
		return false, err
	}
	h, err := f.held(c.Number)
	if err != nil {
		return false, err
	}
	if set.First && !set.ReadOnly && ruleAttempt {
		h.Added, h.Dropped = nil, true
	}
	switch holds = set.Partial && !set.ReadOnly; {
	case holds:
		err = f.hold(c, h, part, repairs)
	case set.Apart:
		err = f.resolvePart(c, &part, repairs)
	default:
		err = f.resolveAll(c, h, part, repairs)
	}
	if err == nil {
		err = f.mark(repairs)
	}
	return holds, err
}

// knownBase returns the base of a command, 0 if it is of another history: nothing is
// known then of what the client has seen.
func (f *Fold) knownBase(base protocol.Revision) protocol.Revision {
	if base > f.head() {
		return 0
	}
	return base
}

// maxName is how long the identity of a client may be, and the table and key of
// an object together: about as long as a key of bbolt. Longer ones could be
// logged, but not stored.
const maxName = 32_000

func checkIdentity(identity string) error {
	if identity == "" || len(identity) > maxName {
		return fmt.Errorf("identity of %d bytes: 1 to %d can be stored", len(identity), maxName)
	}
	return nil
}

// check refuses what a store has no room for.
func check(set revlog.Set) error {
	if err := checkIdentity(set.Client); err != nil {
		return err
	}
	for _, c := range set.Changes {
		if n := len(c.Table) + len(c.Key); n > maxName {
			return fmt.Errorf("table and key of %d bytes: %d can be stored", n, maxName)
		}
	}
	return nil
}

// hold keeps a message of a set until the rest has come. What the client had been
// sent is known only now: its doubtful changes have their objects repaired at once,
// and again when they are resolved, because they cross that repair.
func (f *Fold) hold(c Client, h *HeldDelta, p Part, repairs *repairs) error {
	if len(p.Changes) == 0 {
		return nil
	}
	for i := 0; i < len(p.Changes) && p.sent > p.Base; i++ {
		key := ObjectKey(p.Changes[i].Table, p.Changes[i].Key)
		obj, err := f.object(key)
		if err != nil {
			return err
		}
		doubtful, err := f.isDoubtful(c, &p, p.Changes[i], obj)
		if err != nil {
			return err
		}
		if doubtful {
			d, err := f.doubtOf(c, p.Changes[i], obj, p.Base)
			if err != nil {
				return err
			}
			repairs.add(key, d)
		}
	}
	p.sent, p.limits = 0, revlog.Limits{} // they are not stored
	h.Added = append(h.Added, p)
	f.result.Held[c.Number] = h
	return nil
}

func (f *Fold) resolvePart(c Client, p *Part, repairs *repairs) error {
	for _, change := range p.Changes {
		if err := f.resolveChange(c, p, change, repairs); err != nil {
			return err
		}
	}
	return nil
}

func (f *Fold) resolveChange(c Client, p *Part, change protocol.Change, repairs *repairs) error {
	key := ObjectKey(change.Table, change.Key)
	if p.readOnly && repairs.isSettled(key) {
		return nil
	}
	obj, err := f.object(key)
	if err != nil {
		return err
	}
	if p.readOnly {
		awaits, err := f.awaitsRepair(c, max(p.Base, p.sent), obj)
		if err != nil {
			return err
		}
		if awaits {
			repairs.settle(key)
			return nil
		}
	}
	others, marked, err := NetEffect(f, obj.Last, p.Base, f.head(), c.Number)
	if err != nil {
		return err
	}
	if base := f.baseOf(c, change.Table, p.Base); base != p.Base {
		if others, _, err = NetEffect(f, obj.Last, base, f.head(), c.Number); err != nil {
			return err
		}
	}
	if err := f.repairCrossed(c, p, change, obj, !marked.IsNone(), repairs); err != nil {
		return err
	}
	rest, ok := others.Transform(change)
	f.noteConflict(change, rest, ok)
	if p.Stale || p.Back {
		repairs.add(key, doubtOfStale(p, change, obj, others))
	}
	if !ok {
		if !p.readOnly {
			f.noteCollision(change, obj)
		}
		return nil
	}
	if rest.Type == protocol.Update && obj.Value != nil && obj.Value[0] != '{' {
		repairs.add(key, WholeDoubt()) // of what is no plain object, clients send mods that say too little
	}
	value := conflict.Apply(obj.Value, rest)
	if p.readOnly {
		if ruleReadOnly && !obj.has(value) {
			repairs.add(key, WholeDoubt())
		}
		return nil
	}
	if reason := tooLarge(rest, value, p.limits); reason != "" {
		f.noteRefused(c, p.Received, protocol.Refusal{Table: rest.Table, Change: protocol.AppendChange(nil, rest), Reason: reason})
		repairs.add(key, WholeDoubt())
		return nil
	}
	return f.append(c.Number, key, obj, rest, value)
}

// repairCrossed has the object of a change repaired if the server cannot know what the
// client makes of it: because it crossed a mark, or a resync, or is doubtful.
func (f *Fold) repairCrossed(c Client, p *Part, change protocol.Change, obj Object, marked bool, repairs *repairs) error {
	key := ObjectKey(change.Table, change.Key)
	resynced, err := c.Resync.covers(f, c.Number, obj, p.Base)
	if err != nil {
		return err
	}
	doubtful, err := f.isDoubtful(c, p, change, obj)
	if err != nil {
		return err
	}
	given, err := f.wasGiven(c, change.Table, obj, p.Base)
	if err != nil {
		return err
	}
	after := p.Base
	switch {
	case given:
		repairs.add(key, WholeDoubt())
		return nil
	case resynced:
		after = min(after, c.Resync.From)
	case doubtful, marked && ruleCrossing:
	default:
		return nil
	}
	if p.readOnly {
		repairs.add(key, WholeDoubt())
		return nil
	}
	d, err := f.doubtOf(c, change, obj, after)
	if err == nil {
		repairs.add(key, d)
	}
	return err
}

// tooLarge says why an update may not make a value of its object.
func tooLarge(change protocol.Change, value []byte, limits revlog.Limits) string {
	if change.Type != protocol.Update || limits.ObjectBytes == 0 || len(value) <= limits.ObjectBytes {
		return ""
	}
	return fmt.Sprintf("the object would have %d bytes, over the limit of %d", len(value), limits.ObjectBytes)
}

// append adds a change to the log, and the value it makes to its object, unless it
// changes nothing.
func (f *Fold) append(client uint64, key string, obj Object, change protocol.Change, value []byte) error {
	if obj.has(value) && (ruleUnchanged || value == nil) {
		return nil
	}
	if change.Type == protocol.Update {
		needsCreate, err := f.needsCreate(change, value)
		if err != nil {
			return err
		}
		if needsCreate {
			change = protocol.Change{Type: protocol.Create, Table: change.Table, Key: change.Key}
		}
	}
	// They outlive the frame and the transaction that they may be a part of.
	value, change.Mods = bytes.Clone(value), bytes.Clone(change.Mods)
	if change.Type == protocol.Create {
		change.Obj = value
	}
	f.appendEntry(key, obj, revlog.Entry{Client: client, Change: change}, value)
	switch {
	case obj.Value == nil:
		f.result.Appeared++
	case value == nil:
		f.result.Appeared--
	}
	return nil
}

// appendEntry appends an entry of an object, which it gives a value.
func (f *Fold) appendEntry(key string, obj Object, e revlog.Entry, value []byte) {
	e.Revision, e.Previous = f.head()+1, obj.Last
	f.result.Entries = append(f.result.Entries, e)
	f.result.Objects[key] = obj.After(e, value)
}

func (f *Fold) head() protocol.Revision { return f.result.Head() }

// Entry returns an entry of the view, or one that the fold adds.
func (f *Fold) Entry(rev protocol.Revision) (revlog.Entry, error) {
	if rev > f.result.Base {
		return f.result.Entries[rev-f.result.Base-1], nil
	}
	return f.view.Entry(rev)
}

// object returns an object as the fold has left it, or else as the view has it.
func (f *Fold) object(key string) (Object, error) {
	if obj, ok := f.result.Objects[key]; ok {
		return obj, nil
	}
	return f.view.Object(key)
}

// held returns what is held of a client. It does not read the messages in the
// view: a set may come in thousands of them.
func (f *Fold) held(client uint64) (*HeldDelta, error) {
	if h, ok := f.result.Held[client]; ok {
		return h, nil
	}
	stored, err := f.view.HeldCount(client)
	if err != nil {
		return nil, err
	}
	h := &HeldDelta{Stored: stored}
	if stored > 0 {
		f.result.Held[client] = h
	}
	return h, nil
}
