package revlogtest

import (
	"testing"

	"syncabled/protocol"
	"syncabled/revlog"
)

// Clients that may not change anything.
var readOnlyTests = []test{
	{"what a reader changes is undone for it, and nobody else is told", func(t *testing.T, log *Log) {
		r, b := readerOf(log, `{"id":1,"x":0}`)
		wantReceipt(t, r.Updates("todos", 1, `{"x":"r"}`), revlog.Receipt{Head: 2, Appended: 1})
		WantChanges(t, r.CatchesUp(), Create("todos", 1, `{"id":1,"x":0}`))
		WantChanges(t, b.CatchesUp())
		WantChanges(t, log.Objects(), Create("todos", 1, `{"id":1,"x":0}`))
	}},

	{"what a reader deletes is created again, what it creates is deleted", func(t *testing.T, log *Log) {
		r, b := readerOf(log, `{"id":1}`)
		r.Submits(Delete("todos", 1), Create("todos", 2, `{"id":2}`))
		WantChanges(t, r.CatchesUp(), Create("todos", 1, `{"id":1}`), Delete("todos", 2))
		WantChanges(t, b.CatchesUp())
		WantChanges(t, log.ReadAll(stranger, 0), Create("todos", 1, `{"id":1}`))
	}},

	{"a reader's initial upload is undone", func(t *testing.T, log *Log) {
		b := log.Client("b")
		b.Creates("todos", 1, `{"id":1,"by":"b"}`)
		b.Creates("todos", 2, `{"id":2}`)
		b.Deletes("todos", 2)
		r := log.Reader("r")
		r.Submits(Create("todos", 1, `{"id":1,"by":"r"}`), Create("todos", 2, `{"id":2}`), Create("todos", 3, `{"id":3}`))
		WantChanges(t, r.CatchesUp(), Create("todos", 1, `{"id":1,"by":"b"}`), Delete("todos", 2), Delete("todos", 3))
	}},

	{"what would change nothing needs no repair", func(t *testing.T, log *Log) {
		r, b := readerOf(log, `{"id":1,"x":0}`)
		wantNothing(t, log, 1, func() {
			r.Submits(Create("todos", 1, `{"id":1,"x":0}`), Update("todos", 1, `{"x":0}`), Delete("todos", 7), Update("todos", 7, `{"x":1}`))
		})
		b.Updates("todos", 1, `{"x":"b"}`)
		wantNothing(t, log, 2, func() { r.Updates("todos", 1, `{"x":"r"}`) }) // b's arrives later
	}},

	{"an object that awaits its repair gets no second mark", func(t *testing.T, log *Log) {
		r, _ := readerOf(log, `{"id":1,"x":0}`)
		head := r.Updates("todos", 1, `{"x":1}`).Head
		wantNothing(t, log, head, func() {
			for range 100 {
				r.Updates("todos", 1, `{"x":2}`)
				r.Begins(Delete("todos", 1))
			}
			log.submit(revlog.Set{Client: "r", Base: r.Base, ReadOnly: true, Refused: []protocol.Refusal{{Table: "todos", Key: Key(1), Reason: "why"}}})
		})
		log.Crashes()
		wantNothing(t, log, head, func() { r.Updates("todos", 1, `{"x":3}`) })
		WantChanges(t, r.CatchesUp(), Create("todos", 1, `{"id":1,"x":0}`))
	}},

	{"an object gets another mark if the repair may have crossed the change", func(t *testing.T, log *Log) {
		r, _ := readerOf(log, `{"id":1,"x":0}`)
		before := r.Base
		r.Updates("todos", 1, `{"x":1}`)
		sent := log.Position()
		change := []protocol.Change{Update("todos", 1, `{"x":2}`)}
		wantReceipt(t, log.submit(revlog.Set{Client: "r", Base: before, Sent: sent, ReadOnly: true, Changes: change}),
			revlog.Receipt{Head: sent + 1, Appended: 1})
		r.Base = sent
		WantChanges(t, r.CatchesUp(), Create("todos", 1, `{"id":1,"x":0}`))
	}},

	{"a part of a reader's set is not held", func(t *testing.T, log *Log) {
		r, _ := readerOf(log, `{"id":1}`)
		wantReceipt(t, r.Begins(Create("todos", 2, `{"id":2}`)), revlog.Receipt{Head: 2, Appended: 1})
		wantReceipt(t, r.Submits(Create("todos", 3, `{"id":3}`)), revlog.Receipt{Head: 3, Appended: 1})
		WantChanges(t, r.CatchesUp(), Delete("todos", 2), Delete("todos", 3))
	}},

	{"what is held of a client is complete when it may no longer write", func(t *testing.T, log *Log) {
		a := log.Client("a")
		a.Begins(Create("todos", 1, `{"id":1,"x":0}`))
		a.readOnly = true
		wantReceipt(t, a.Begins(Update("todos", 1, `{"x":1}`), Create("todos", 2, `{"id":2}`)), revlog.Receipt{Head: 3, Appended: 3})
		WantChanges(t, a.CatchesUp(), Create("todos", 1, `{"id":1,"x":0}`), Delete("todos", 2))
		WantChanges(t, log.Objects(), Create("todos", 1, `{"id":1,"x":0}`))
	}},

	{"what a client changes is applied once it may write", func(t *testing.T, log *Log) {
		r, b := readerOf(log, `{"id":1,"x":0,"y":0}`)
		r.Updates("todos", 1, `{"x":1}`)
		r.readOnly = false
		r.Updates("todos", 1, `{"y":1}`) // before it got the repair
		WantChanges(t, r.CatchesUp(), Create("todos", 1, `{"id":1,"x":0,"y":1}`))
		WantChanges(t, b.CatchesUp(), Update("todos", 1, `{"y":1}`))
	}},
}

// readerOf returns two clients that have seen object 1 of the todos, of which the
// first may not change anything.
func readerOf(log *Log, obj string) (r, b *Client) {
	r, b = shared(log, obj)
	r.Name, r.readOnly = "r", true
	return r, b
}
