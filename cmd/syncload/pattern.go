package main

import (
	"bytes"
	"slices"

	"syncabled/protocol"
)

// A pattern is how a server writes new objects: a message of changes is these texts,
// with ids and objects in between. Most of what servers send is compared with that,
// and needs no parsing; a load generator that parses would measure itself.
type pattern struct {
	begin  []byte // of the message, up to the first change
	open   []byte // of a change, up to its id
	middle []byte // between id and object
	close  []byte // after the object
}

// learn takes the pattern from the first message that was parsed and has nothing but
// changes of this run.
func (l *ledger) learn(frame, changes []byte) {
	if l.contest != nil || l.pattern.Load() != nil {
		return
	}
	var first []byte
	for _, first = range protocol.Elements(changes) {
		break
	}
	sent := parseSent(first)
	begin, _, _ := bytes.Cut(frame, changes)
	open, rest, _ := bytes.Cut(first, sent.key[1:len(sent.key)-1])
	middle, end, keyComesFirst := bytes.Cut(rest, sent.obj)
	if !keyComesFirst {
		return
	}
	l.pattern.Store(&pattern{
		begin:  slices.Concat(begin, []byte{'['}),
		open:   bytes.Clone(open),
		middle: bytes.Clone(middle),
		close:  bytes.Clone(end),
	})
}

// decodeAlike decodes a message that follows the pattern. It returns nil for any
// other one, also for one that breaks a rule.
func (l *ledger) decodeAlike(frame []byte) *message {
	p := l.pattern.Load()
	if p == nil {
		return nil
	}
	rest, ok := bytes.CutPrefix(frame, p.begin)
	var changes []ref
	var scratch []byte
	for more := ok; more; {
		var r ref
		if r, rest, ok = l.cutAlike(p, rest, &scratch); !ok {
			return nil
		}
		changes = append(changes, r)
		rest, more = bytes.CutPrefix(rest, []byte{','})
	}
	if len(changes) == 0 {
		return nil
	}
	m, err := l.parse(slices.Concat(p.begin, rest))
	if err != nil {
		return nil
	}
	m.changes = changes
	return m
}

// cutAlike cuts a change that follows the pattern.
func (l *ledger) cutAlike(p *pattern, text []byte, scratch *[]byte) (r ref, rest []byte, ok bool) {
	if rest, ok = bytes.CutPrefix(text, p.open); !ok || len(rest) < idLength {
		return r, nil, false
	}
	if r, ok = l.refOf(rest[:idLength]); !ok || !l.has(r) {
		return r, nil, false
	}
	if rest, ok = bytes.CutPrefix(rest[idLength:], p.middle); !ok {
		return r, nil, false
	}
	*scratch = l.appendObject((*scratch)[:0], r)
	if rest, ok = bytes.CutPrefix(rest, *scratch); !ok {
		return r, nil, false
	}
	rest, ok = bytes.CutPrefix(rest, p.close)
	return r, rest, ok
}
