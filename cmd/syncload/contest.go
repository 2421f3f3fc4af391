package main

import (
	"math"
	"slices"
	"strconv"
)

// A contest is a run in which the server has to resolve. Its writers update objects
// that the filler made, each object once, with the revision after the filler as
// their base. Before them the rival updated a part of the objects:
//
//	filler   makes an object   {…,"done":false,"text":"Milk and bread, …"}
//	rival    updates some      {"done":true}
//	writers  update all        {"done":"yes","text":"change 17 of writer 3"}
//
// What the rival set stands. So of a writer's update others have to get both
// properties, or the text alone, and a new client gets the objects with that.
//
// The writers do not subscribe. A server that has sent a client something cannot
// know whether the client changed the object before or after it got that, and may
// send it the object: that could not be known beforehand.
type contest struct {
	writers   int
	own       int      // changes of each
	contested []uint32 // objects that the rival updates, in order
	settled   bool     // new clients get the objects as the updates left them
}

// newContest returns a contest of writers that make sets of changes. The rival
// updates all objects of a part of the sets, spread evenly over them.
func newContest(writers, sets, changes int, percent float64) *contest {
	c := &contest{writers: writers, own: sets * changes}
	reached := func(set int) int { return int(float64(set) * percent / 100) }
	for set := range writers * sets {
		if reached(set) == reached(set+1) {
			continue
		}
		for i := range changes {
			c.contested = append(c.contested, uint32(set*changes+i))
		}
	}
	return c
}

// Objects have the numbers of the filler's changes. Each writer updates as many, one
// after the other.

func (c *contest) filler() int  { return c.writers }
func (c *contest) rival() int   { return c.writers + 1 }
func (c *contest) objects() int { return c.writers * c.own }

// changes returns how many all make together.
func (c *contest) changes() int { return 2*c.objects() + len(c.contested) }

// counts returns how many changes each makes, for the ledger.
func (c *contest) counts() []int {
	return append(slices.Repeat([]int{c.own}, c.writers), c.objects(), len(c.contested))
}

// update returns the writer's change of an object.
func (c *contest) update(object uint32) ref {
	own := uint32(c.own)
	return ref{object / own, object % own}
}

// updated returns the number of the object that an update is of.
func (c *contest) updated(r ref) uint32 {
	if int(r.writer) == c.rival() {
		return c.contested[r.number]
	}
	return r.writer*uint32(c.own) + r.number
}

// appendUpdate appends an update, of the rival or a writer.
func (c *contest) appendUpdate(out []byte, l *ledger, r ref) []byte {
	out = append(out, `{"type":2,"table":"`+table+`","key":"`...)
	out = l.appendID(out, ref{uint32(c.filler()), c.updated(r)})
	out = append(out, `","mods":`...)
	if int(r.writer) == c.rival() {
		out = append(out, rivalMods...)
	} else {
		out = appendWriterMods(out, r, true)
	}
	return append(out, '}')
}

const rivalMods = `{"done":true}`

// appendWriterMods appends what a writer's update sets, or what is left of that when
// the rival has set the other property.
func appendWriterMods(out []byte, r ref, whole bool) []byte {
	out = append(out, '{')
	if whole {
		out = append(out, `"done":"yes",`...)
	}
	return append(appendUpdatedText(out, r), '}')
}

func appendUpdatedText(out []byte, r ref) []byte {
	out = append(out, `"text":"change `...)
	out = strconv.AppendUint(out, uint64(r.number), 10)
	out = append(out, ` of writer `...)
	out = strconv.AppendUint(out, uint64(r.writer), 10)
	return append(out, '"')
}

// appendSettled appends an object as the updates left it.
func (c *contest) appendSettled(out []byte, l *ledger, object ref) []byte {
	out = l.appendHead(out, object)
	if _, contested := slices.BinarySearch(c.contested, object.number); contested {
		out = append(out, `true,`...)
	} else {
		out = append(out, `"yes",`...)
	}
	return append(appendUpdatedText(out, c.update(object.number)), '}')
}

// expected returns which change of the run one of an object has to be, for what a
// server sent of it, and appends the object or the mods that it has to have.
func (c *contest) expected(out []byte, l *ledger, object ref, sent *sentChange) (ref, []byte) {
	place, contested := slices.BinarySearch(c.contested, object.number)
	switch {
	case int(object.writer) != c.filler() || int(object.number) >= c.objects():
		return nobodys, out
	case string(sent.kind) == "1" && c.settled:
		return object, c.appendSettled(out, l, object)
	case string(sent.kind) == "1":
		return object, l.appendObject(out, object)
	case contested && string(sent.mods) == rivalMods:
		return ref{uint32(c.rival()), uint32(place)}, append(out, rivalMods...)
	}
	r := c.update(object.number)
	return r, appendWriterMods(out, r, !contested)
}

// nobodys is a change that nobody makes.
var nobodys = ref{writer: math.MaxUint32}

// settle has the ledger expect the objects as the updates left them.
func (l *ledger) settle() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.contest.settled = true
	clear(l.decoded)
}
