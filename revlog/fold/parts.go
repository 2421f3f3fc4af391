package fold

import (
	"errors"

	"syncabled/protocol"
)

// This file reads what is held of a set, message by message: all of it may be much more
// than one message.

// eachPart visits what is held of a client, in the order of the set.
func (f *Fold) eachPart(client uint64, h *HeldDelta, visit func(*Part) error) error {
	if h.Stored > 0 && !h.Dropped {
		if err := f.view.EachHeld(client, visit); err != nil {
			return err
		}
	}
	for _, p := range h.Added {
		if err := visit(&p); err != nil {
			return err
		}
	}
	return nil
}

// resolveAll appends what stands of the changes of a set: of what is held of it,
// and of its last message. Every message has its own base.
func (f *Fold) resolveAll(c Client, h *HeldDelta, last Part, repairs *repairs) error {
	if err := f.addUnheard(c.Number, h, &last, repairs); err != nil {
		return err
	}
	err := f.eachPart(c.Number, h, func(p *Part) error {
		p.limits = last.limits
		if !ruleBases {
			p.Base = last.Base
		}
		return f.resolvePart(c, p, repairs)
	})
	if err != nil {
		return err
	}
	h.Added, h.Dropped = nil, true
	return f.resolvePart(c, &last, repairs)
}

// addUnheard adds objects of a set that came over several connections: those
// created by the last message of a connection, which may not have heard that it
// was held. What the client has deleted since is in no later message, because
// in an initial upload it sends what is there. What later messages mention needs
// no repair.
func (f *Fold) addUnheard(client uint64, h *HeldDelta, last *Part, repairs *repairs) error {
	if !ruleUnheard || h.isEmpty() {
		return nil
	}
	u := unheard{lastConnection: last.Connection, keys: map[string]bool{}}
	err := f.eachPart(client, h, u.visit)
	switch {
	case errors.Is(err, errOneConnection):
		return nil
	case err != nil:
		return err
	}
	_ = u.visit(last) // it is not the first
	for i := len(u.runs) - 1; i >= 0; i-- {
		for _, key := range u.runs[i] {
			if u.keys[key] {
				repairs.add(key, WholeDoubt())
			}
		}
	}
	return nil
}

// isEmpty reports whether nothing is held.
func (h *HeldDelta) isEmpty() bool {
	return (h.Stored == 0 || h.Dropped) && len(h.Added) == 0
}

// An unheard is what addUnheard has found out about the messages that it has visited.
type unheard struct {
	lastConnection string // of the set
	previous       *Part
	runs           [][]string      // for each connection, what its last message created
	keys           map[string]bool // of these, those that no later message mentions
}

// errOneConnection ends the visit of a set that begins and ends on one connection.
var errOneConnection = errors.New("one connection")

func (u *unheard) visit(p *Part) error {
	switch {
	case u.previous == nil && p.Connection == u.lastConnection:
		return errOneConnection
	case u.previous != nil && u.previous.Connection != p.Connection:
		u.endRun(u.previous.Changes)
	}
	if len(u.keys) > 0 {
		for _, change := range p.Changes {
			delete(u.keys, ObjectKey(change.Table, change.Key))
		}
	}
	u.previous = p
	return nil
}

// endRun notes what the last message of a connection has created.
func (u *unheard) endRun(changes []protocol.Change) {
	var created []string
	for _, change := range changes {
		if change.Type == protocol.Create {
			key := ObjectKey(change.Table, change.Key)
			created = append(created, key)
			u.keys[key] = true
		}
	}
	u.runs = append(u.runs, created)
}
