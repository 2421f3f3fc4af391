package revlogtest

import (
	"testing"

	"syncabled/revlog"

	"syncabled/protocol"
)

// How a client's change is resolved against what others did since its base.
var conflictTests = []test{
	{"own changes are not conflicts", func(t *testing.T, log *Log) {
		a := log.Client("a") // never catches up
		a.Creates("todos", 1, `{"id":1,"n":0}`)
		a.Updates("todos", 1, `{"n":1}`)
		a.Updates("todos", 1, `{"n":2}`)
		WantChanges(t, log.Objects(), Create("todos", 1, `{"id":1,"n":2}`))
		a.Deletes("todos", 1)
		a.Creates("todos", 1, `{"id":1,"n":3}`)
		WantChanges(t, log.Objects(), Create("todos", 1, `{"id":1,"n":3}`))
	}},

	{"own changes are not conflicts, others' changes in between are", func(t *testing.T, log *Log) {
		a, b := shared(log, `{"id":1,"x":0,"y":0}`)
		a.Updates("todos", 1, `{"x":1}`)
		b.Updates("todos", 1, `{"y":2}`)
		a.Updates("todos", 1, `{"x":3,"y":3}`)
		WantChanges(t, log.Objects(), Create("todos", 1, `{"id":1,"x":3,"y":2}`))
	}},

	{"what others did up to the base is no conflict", func(t *testing.T, log *Log) {
		a, b := shared(log, `{"id":1,"x":0}`)
		b.Updates("todos", 1, `{"x":1}`)
		b.Deletes("todos", 1)
		b.Creates("todos", 1, `{"id":1,"x":2}`)
		a.CatchesUp()
		a.Updates("todos", 1, `{"x":3}`)
		WantChanges(t, log.Objects(), Create("todos", 1, `{"id":1,"x":3}`))
	}},

	{"others' changes of other objects are no conflict", func(t *testing.T, log *Log) {
		a, b := shared(log, `{"id":1,"x":0}`)
		b.Deletes("other", 1)
		b.Creates("todos", 2, `{"id":2}`)
		a.Updates("todos", 1, `{"x":3}`)
		WantChanges(t, log.Objects(), Create("todos", 1, `{"id":1,"x":3}`), Create("todos", 2, `{"id":2}`))
	}},

	{"the server wins per property", func(t *testing.T, log *Log) {
		a, b := shared(log, `{"id":1,"x":0,"y":0,"z":0}`)
		b.Updates("todos", 1, `{"x":"b","y":"b"}`)
		a.Updates("todos", 1, `{"y":"a","z":"a"}`)
		WantChanges(t, log.Objects(), Create("todos", 1, `{"id":1,"x":"b","y":"b","z":"a"}`))
	}},

	{"keys that clients count by themselves collide", func(t *testing.T, log *Log) {
		a, b := log.Client("a"), log.Client("b")
		wantReceipt(t, a.Submits(Create("auto", 1, `{"x":"a"}`), Create("auto", 2, `{"x":"a"}`), Create("other", 1, `{"x":"a"}`)),
			revlog.Receipt{Head: 3, Appended: 3})
		wantReceipt(t, b.Submits(Create("auto", 1, `{"x":"b"}`), Create("auto", 2, `{"x":"b"}`), Create("other", 1, `{"x":"b"}`), Create("auto", 3, `{"x":"b"}`)),
			revlog.Receipt{Head: 4, Appended: 1, Collisions: []string{"auto", "other"}})
	}},

	{"a part of a set collides when the set is complete", func(t *testing.T, log *Log) {
		log.Client("a").Creates("auto", 1, `{"x":"a"}`)
		b := log.Client("b")
		wantReceipt(t, b.Begins(Create("auto", 1, `{"x":"b"}`)), revlog.Receipt{Head: 1, Held: true})
		wantReceipt(t, b.Submits(), revlog.Receipt{Head: 1, Collisions: []string{"auto"}})
	}},

	{"what is no collision of counted keys", func(t *testing.T, log *Log) {
		a, b := log.Client("a"), log.Client("b")
		a.Submits(Create("t", 1, `{"id":1,"x":"a"}`), Create("t", "1", `{"x":"a"}`), Create("t", 2, `{"x":"a"}`), Create("t", 3, `{"x":"a"}`), Create("t", 4, `{"x":"a"}`))
		a.Deletes("t", 4)
		a.Submits(Create("t", 3, `{"x":"a2"}`)) // its own
		wantReceipt(t, b.Submits(
			Create("t", 1, `{"id":1,"x":"b"}`), // the app chose the key
			Create("t", "1", `{"x":"b"}`),      // likewise, outside of the object
			Create("t", 2, `{"x":"a"}`),        // the same object
			Create("t", 4, `{"x":"b"}`),        // deleted
			Update("t", 3, `{"x":"b"}`),
		), revlog.Receipt{Head: 7})
		wantReceipt(t, log.Reader("r").Creates("t", 3, `{"x":"r"}`), revlog.Receipt{Head: 7})
	}},

	{"an update whose paths are all lost is dropped", func(t *testing.T, log *Log) {
		a, b := shared(log, `{"id":1,"x":0,"y":0}`)
		b.Updates("todos", 1, `{"x":"b"}`)
		head := b.Updates("todos", 1, `{"y":"b"}`).Head
		wantNothing(t, log, head, func() { a.Updates("todos", 1, `{"x":"a","y":"a"}`) })
	}},

	{"an update loses a path under another's path", func(t *testing.T, log *Log) {
		a, b := shared(log, `{"id":1,"x":{"deep":{"n":0}}}`)
		b.Updates("todos", 1, `{"x":{"by":"b"}}`)
		a.Updates("todos", 1, `{"x.deep.n":1,"x.m":1,"y":1}`)
		WantChanges(t, log.Objects(), Create("todos", 1, `{"id":1,"x":{"by":"b"},"y":1}`))
	}},

	{"an update gets another's path under its own set inside its value", func(t *testing.T, log *Log) {
		a, b := shared(log, `{"id":1,"x":{"m":0,"n":0}}`)
		b.Updates("todos", 1, `{"x.n":"b"}`)
		a.Updates("todos", 1, `{"x":{"m":"a","n":"a"}}`)
		WantChanges(t, log.Objects(), Create("todos", 1, `{"id":1,"x":{"m":"a","n":"b"}}`))
	}},

	{"a path is not under one that only starts with the same letters", func(t *testing.T, log *Log) {
		a, b := shared(log, `{"id":1}`)
		b.Updates("todos", 1, `{"x":1}`)
		a.Updates("todos", 1, `{"xy":2,"xy.z":3}`)
		WantChanges(t, log.Objects(), Create("todos", 1, `{"id":1,"x":1,"xy":2}`))
	}},

	{"delete beats update, if it comes later", func(t *testing.T, log *Log) {
		a, b := shared(log, `{"id":1,"x":0}`)
		b.Updates("todos", 1, `{"x":"b"}`)
		a.Deletes("todos", 1)
		WantChanges(t, log.Objects())
	}},

	{"delete beats update, if it comes first", func(t *testing.T, log *Log) {
		a, b := shared(log, `{"id":1,"x":0}`)
		head := b.Deletes("todos", 1).Head
		wantNothing(t, log, head, func() { a.Updates("todos", 1, `{"x":"a"}`) })
		WantChanges(t, log.Objects())
	}},

	{"of two creates the first stands", func(t *testing.T, log *Log) {
		a, b := log.Client("a"), log.Client("b")
		head := b.Creates("todos", 1, `{"by":"b"}`).Head
		wantNothing(t, log, head, func() { a.Creates("todos", 1, `{"by":"a"}`) })
		WantChanges(t, log.Objects(), Create("todos", 1, `{"by":"b"}`))
	}},

	{"what another created anew is neither updated nor deleted", func(t *testing.T, log *Log) {
		a, b := shared(log, `{"id":1}`)
		b.Deletes("todos", 1)
		head := b.Creates("todos", 1, `{"id":1,"by":"b"}`).Head
		wantNothing(t, log, head, func() {
			a.Updates("todos", 1, `{"x":"a"}`)
			a.Deletes("todos", 1)
		})
	}},

	{"what another deleted is not created by one who does not know", func(t *testing.T, log *Log) {
		a, b := shared(log, `{"id":1}`)
		head := b.Deletes("todos", 1).Head
		wantNothing(t, log, head, func() { a.Creates("todos", 1, `{"id":1,"by":"a"}`) })
	}},

	{"a create of what others updated gets their values", func(t *testing.T, log *Log) {
		a, b := shared(log, `{"id":1,"x":0}`)
		b.Updates("todos", 1, `{"x":"b","y.z":"b"}`)
		a.Creates("todos", 1, `{"id":1,"x":"a","y":{"w":"a"}}`)
		WantChanges(t, log.Objects(), Create("todos", 1, `{"id":1,"x":"b","y":{"w":"a","z":"b"}}`))
	}},

	{"others count together", func(t *testing.T, log *Log) {
		a, b := shared(log, `{"id":1,"x":{"n":0,"m":0}}`)
		c := log.Client("c")
		c.CatchesUp()
		b.Updates("todos", 1, `{"x.n":"b"}`)
		c.Updates("todos", 1, `{"x.m":"c"}`)
		a.Updates("todos", 1, `{"x":{"n":"a","m":"a","k":"a"}}`)
		WantChanges(t, log.Objects(), Create("todos", 1, `{"id":1,"x":{"n":"b","m":"c","k":"a"}}`))
	}},

	{"only what is left is in the log", func(t *testing.T, log *Log) {
		a, b := shared(log, `{"id":1,"x":0,"y":0}`)
		c := log.Client("c")
		b.Updates("todos", 1, `{"x":"b"}`)
		c.CatchesUp()
		a.Updates("todos", 1, `{"x":"a","y":"a"}`)
		WantChanges(t, c.CatchesUp(), Update("todos", 1, `{"y":"a"}`))
	}},
}

// shared returns two clients that both have seen object 1 of the todos.
func shared(log *Log, obj string) (a, b *Client) {
	log.Client("maker").Creates("todos", 1, obj)
	a, b = log.Client("a"), log.Client("b")
	a.CatchesUp()
	b.CatchesUp()
	return a, b
}

// wantNothing checks that an act leaves the log and all objects as they are.
func wantNothing(t *testing.T, log *Log, head protocol.Revision, act func()) {
	t.Helper()
	before := log.Objects()
	act()
	if got := log.Position(); got != head {
		t.Errorf("head is %d, want %d", got, head)
	}
	WantChanges(t, log.Objects(), before...)
}
