package main

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/bits"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"syncabled/protocol"
)

// A ref names a change of the run: the number-th that a writer makes. Both count
// from 0.
type ref struct{ writer, number uint32 }

// A ledger knows every change of a run: who makes it, its exact bytes, and when
// it was sent. Keys are unique, so that every change has to arrive exactly once,
// whatever a server folds together. Bytes follow from the ref, and a ref from
// the key, so that nothing is looked up.
type ledger struct {
	salt uint64 // tells the keys of this run from those of others
	size int    // bytes of an object
	sent [][]atomic.Int64
	made []atomic.Uint32 // changes that each writer has sent

	contest *contest // nil if the changes are new objects, all of them

	pattern atomic.Pointer[pattern] // nil until changes have come

	mu      sync.Mutex
	decoded map[string]*message
}

const table = "items"

// newLedger returns a ledger of writers that make at most as many changes as
// counts says, each.
func newLedger(salt uint64, size int, counts ...int) *ledger {
	l := &ledger{
		salt:    salt,
		size:    size,
		sent:    make([][]atomic.Int64, len(counts)),
		made:    make([]atomic.Uint32, len(counts)),
		decoded: map[string]*message{},
	}
	for w, changes := range counts {
		l.sent[w] = make([]atomic.Int64, changes)
	}
	return l
}

// spread is odd, so that multiplication by it is a permutation of 64 bits: keys
// of consecutive changes lie far apart, as UUIDs do.
const spread = 0x9E3779B97F4A7C15

var unspread = inverse(spread)

// inverse returns the number that undoes the multiplication by n.
func inverse(n uint64) uint64 {
	x := n
	for range 6 { // each step doubles the number of right bits
		x *= 2 - n*x
	}
	return x
}

const idLength = 32

func (l *ledger) appendID(out []byte, r ref) []byte {
	first := (uint64(r.writer)<<32|uint64(r.number))*spread ^ l.salt
	var id [16]byte
	for i, half := range [2]uint64{first, l.second(first)} {
		for j := range 8 {
			id[8*i+j] = byte(half >> (56 - 8*j))
		}
	}
	return hex.AppendEncode(out, id[:])
}

// second makes the other half of an id of the first, by which ids of this run
// are told from others.
func (l *ledger) second(first uint64) uint64 {
	return bits.ReverseBytes64(first*spread) ^ l.salt*unspread
}

// refOf returns what appendID made an id of. It returns false for ids of others.
func (l *ledger) refOf(id []byte) (ref, bool) {
	if len(id) != idLength || bytes.ContainsAny(id, "ABCDEF") {
		return ref{}, false
	}
	first, err := strconv.ParseUint(string(id[:16]), 16, 64)
	if err != nil {
		return ref{}, false
	}
	second, err := strconv.ParseUint(string(id[16:]), 16, 64)
	if err != nil || second != l.second(first) {
		return ref{}, false
	}
	n := (first ^ l.salt) * unspread
	return ref{uint32(n >> 32), uint32(n)}, true
}

// appendObject appends the object of a change. Its JSON is the same after
// JSON.parse and JSON.stringify.
func (l *ledger) appendObject(out []byte, r ref) []byte {
	start := len(out)
	out = append(l.appendHead(out, r), `false,"text":"`...)
	for fill := l.size - (len(out) - start) - len(`"}`); fill > 0; {
		n := min(fill, len(filler))
		out = append(out, filler[:n]...)
		fill -= n
	}
	return append(out, `"}`...)
}

// appendHead appends an object up to the value of "done".
func (l *ledger) appendHead(out []byte, r ref) []byte {
	out = append(out, `{"id":"`...)
	out = l.appendID(out, r)
	out = append(out, `","writer":`...)
	out = strconv.AppendUint(out, uint64(r.writer), 10)
	out = append(out, `,"number":`...)
	out = strconv.AppendUint(out, uint64(r.number), 10)
	return append(out, `,"done":`...)
}

const filler = "Milk and bread, butter and cheese, apples and pears, tea and coffee. "

// appendSet appends a message with n changes from a ref on.
func (l *ledger) appendSet(out []byte, from ref, n int, base uint64, request int) []byte {
	out = append(out, `{"type":"changes","changes":[`...)
	for i := range n {
		if i > 0 {
			out = append(out, ',')
		}
		out = l.appendChange(out, ref{from.writer, from.number + uint32(i)})
	}
	out = append(out, `],"partial":false,"baseRevision":`...)
	out = appendRevision(out, base)
	out = append(out, `,"requestId":`...)
	out = strconv.AppendInt(out, int64(request), 10)
	return append(out, '}')
}

func (l *ledger) appendChange(out []byte, r ref) []byte {
	if l.contest != nil && int(r.writer) != l.contest.filler() {
		return l.contest.appendUpdate(out, l, r)
	}
	out = append(out, `{"type":1,"table":"`+table+`","key":"`...)
	out = l.appendID(out, r)
	out = append(out, `","obj":`...)
	out = l.appendObject(out, r)
	return append(out, '}')
}

func appendRevision(out []byte, rev uint64) []byte {
	if rev == 0 {
		return append(out, "null"...)
	}
	return strconv.AppendUint(out, rev, 10)
}

// sending notes that n changes from a ref on go out at a time.
func (l *ledger) sending(from ref, n int, at time.Time) {
	for i := range n {
		l.sent[from.writer][int(from.number)+i].Store(at.UnixNano())
	}
	l.made[from.writer].Store(from.number + uint32(n))
}

// has reports whether a change was made.
func (l *ledger) has(r ref) bool {
	return int(r.writer) < len(l.made) && r.number < l.made[r.writer].Load()
}

// A sentChange is a change as a server sent it, in its parts.
type sentChange struct{ kind, table, key, obj, mods []byte }

func parseSent(change []byte) (sent sentChange) {
	for member, value := range protocol.Members(change) {
		switch member {
		case "type":
			sent.kind = value
		case "table":
			sent.table = value
		case "key":
			sent.key = value
		case "obj":
			sent.obj = value
		case "mods":
			sent.mods = value
		}
	}
	return sent
}

// check compares a change that a server sent with what was made. It returns
// false for changes of other runs.
func (l *ledger) check(change []byte, scratch *[]byte) (ref, bool, error) {
	sent := parseSent(change)
	if len(sent.key) < 2 {
		return ref{}, false, nil
	}
	r, ours := l.refOf(sent.key[1 : len(sent.key)-1])
	if !ours {
		return ref{}, false, nil
	}
	rule, got := "wrong object", sent.obj
	isUpdate := l.contest != nil && string(sent.kind) == "2"
	if isUpdate {
		rule, got = "wrong update", sent.mods
	}
	if l.contest == nil {
		*scratch = l.appendObject((*scratch)[:0], r)
	} else {
		r, *scratch = l.contest.expected((*scratch)[:0], l, r, &sent)
	}
	switch {
	case !l.has(r):
		return ref{}, false, violationf("unknown object", "a change that nobody made: %s", excerpt(change))
	case string(sent.kind) != "1" && !isUpdate || string(sent.table) != `"`+table+`"`:
		return ref{}, false, violationf("wrong object", "not the type and table that were sent: %s", excerpt(change))
	case !bytes.Equal(*scratch, got):
		return ref{}, false, violationf(rule, "got %s, want %s", excerpt(got), excerpt(*scratch))
	}
	return r, true, nil
}

func excerpt(text []byte) string {
	const most = 300
	if len(text) > most {
		return fmt.Sprintf("%s... (%d bytes)", text[:most], len(text))
	}
	return string(text)
}
