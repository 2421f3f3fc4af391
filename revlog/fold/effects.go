package fold

import (
	"bytes"
	"slices"

	"syncabled/conflict"
	"syncabled/protocol"
)

// What others did to an object since a base is read entry by entry. A client that was
// away for a day may have missed thousands of entries of one object, and each of its sets
// has the same base. So what a long history amounts to is remembered.

// An effectKey is a question about the history of an object.
type effectKey struct {
	object    string
	client    uint64            // whose own entries are left out
	after, to protocol.Revision // to is 0 for all there are
}

// A knownEffect is the answer for the entries up to a revision that is committed.
type knownEffect struct {
	upTo     protocol.Revision
	change   protocol.Change // in memory of its own; of type 0 if nobody did anything
	repaired bool
}

// effects are answers to keep. The zero effects has none.
type effects struct {
	known map[effectKey]knownEffect
	bytes int
}

// Bounds of what is remembered.
const (
	minRemembered      = 32      // entries of a history
	maxRemembered      = 4096    // answers
	maxRememberedBytes = 8 << 20 // of all answers
)

// add remembers an answer, and forgets all others if there are too many.
func (e *effects) add(key effectKey, answer knownEffect) {
	size := len(answer.change.Obj) + len(answer.change.Mods) + len(key.object)
	if e.bytes+size > maxRememberedBytes || len(e.known) >= maxRemembered {
		*e = effects{}
	}
	if e.known == nil {
		e.known = map[effectKey]knownEffect{}
	}
	if old, ok := e.known[key]; ok {
		e.bytes -= len(old.change.Obj) + len(old.change.Mods) + len(key.object)
	}
	e.known[key] = answer
	e.bytes += size
}

// othersEffect is NetEffect for the object of a key and the entries in (after, to], or,
// if to is 0, all after a position. Of a history that it has walked before it walks no
// more than what was added.
func (f *Fold) othersEffect(key string, obj Object, after, to protocol.Revision, client uint64) (conflict.Effect, bool, error) {
	question := effectKey{key, client, after, to}
	known, isKnown := f.effects.known[question]
	if isKnown && to > 0 && known.upTo == to {
		return known.effect(), known.repaired, nil
	}
	from, end := after, to
	if isKnown {
		from = max(after, known.upTo)
	}
	if to == 0 {
		end = f.head()
	}
	h, err := walk(f, obj.Last, from, end, client)
	if err != nil {
		return conflict.Effect{}, false, err
	}
	var net conflict.Effect
	if isKnown && !h.cut {
		net = known.effect()
		h.repaired = h.repaired || known.repaired
	}
	for _, change := range slices.Backward(h.changes) {
		net = net.Then(change)
	}
	// Entries of this fold may yet not be committed.
	if upTo := min(end, f.result.Base); h.walked >= f.minRemembered && (obj.Last <= f.result.Base || end <= f.result.Base) {
		f.effects.add(question, remember(net, upTo, h.repaired))
	}
	return net, h.repaired, nil
}

func remember(net conflict.Effect, upTo protocol.Revision, repaired bool) knownEffect {
	change, _ := net.Change("", "")
	change.Obj, change.Mods = bytes.Clone(change.Obj), bytes.Clone(change.Mods) // they may be a part of the file
	return knownEffect{upTo, change, repaired}
}

func (k knownEffect) effect() (net conflict.Effect) {
	if k.change.Type == 0 {
		return net
	}
	return net.Then(k.change)
}
