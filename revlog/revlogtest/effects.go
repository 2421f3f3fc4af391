package revlogtest

import (
	"testing"

	"syncabled/protocol"
	"syncabled/revlog"
)

// What becomes of changes that stand: those with an effect are appended.
var effectTests = []test{
	{"every change that stands gets a revision of its own, from 1", func(t *testing.T, log *Log) {
		a := log.Client("a")
		wantReceipt(t, a.Creates("todos", 1, `{"id":1}`), revlog.Receipt{Head: 1, Appended: 1})
		wantReceipt(t, a.Submits(
			Create("todos", 2, `{"id":2}`),
			Update("todos", 1, `{"x":1}`),
			Delete("todos", 2),
		), revlog.Receipt{Head: 4, Appended: 3})
		wantReceipt(t, log.Client("b").Creates("todos", 3, `{}`), revlog.Receipt{Head: 5, Appended: 1})
	}},

	{"an update of a missing object does nothing", func(t *testing.T, log *Log) {
		wantReceipt(t, log.Client("a").Updates("todos", 1, `{"x":1}`), revlog.Receipt{})
		WantChanges(t, log.ReadAll(stranger, 0))
	}},

	{"a delete of a missing object does nothing", func(t *testing.T, log *Log) {
		wantReceipt(t, log.Client("a").Deletes("todos", 1), revlog.Receipt{})
		WantChanges(t, log.ReadAll(stranger, 0))
	}},

	{"an update or delete of a deleted object does nothing", func(t *testing.T, log *Log) {
		a := log.Client("a")
		a.Creates("todos", 1, `{"id":1}`)
		head := a.Deletes("todos", 1).Head
		wantReceipt(t, a.Deletes("todos", 1), revlog.Receipt{Head: head})
		wantReceipt(t, a.Updates("todos", 1, `{"x":1}`), revlog.Receipt{Head: head})
	}},

	{"a create replaces", func(t *testing.T, log *Log) {
		a := log.Client("a")
		a.Creates("todos", 1, `{"id":1,"x":1}`)
		a.Creates("todos", 1, `{"id":1,"y":1}`)
		WantChanges(t, log.Objects(), Create("todos", 1, `{"id":1,"y":1}`))
	}},

	{"an update sets key paths", func(t *testing.T, log *Log) {
		a := log.Client("a")
		a.Creates("todos", 1, `{"id":1,"x":{"m":0},"tags":["a","b"],"s":"text"}`)
		a.Updates("todos", 1, `{"x.n.k":1,"y.z":2,"tags.1":"c","s.t":3,"id":1}`)
		WantChanges(t, log.Objects(), Create("todos", 1, `{"id":1,"x":{"m":0,"n":{"k":1}},"tags":["a","c"],"s":"text","y":{"z":2}}`))
	}},

	{"what changes nothing is not appended", func(t *testing.T, log *Log) {
		a, b := shared(log, `{"id":1,"x":{"n":1}}`)
		head := log.Position()
		wantNothing(t, log, head, func() {
			wantReceipt(t, a.Creates("todos", 1, `{"id":1,"x":{"n":1}}`), revlog.Receipt{Head: head})
			wantReceipt(t, a.Updates("todos", 1, `{"x.n":1}`), revlog.Receipt{Head: head})
			wantReceipt(t, b.Updates("todos", 1, `{"id.y":1}`), revlog.Receipt{Head: head})
			wantReceipt(t, b.Updates("todos", 1, `{}`), revlog.Receipt{Head: head})
		})
	}},

	{"a set that is submitted again changes nothing", func(t *testing.T, log *Log) {
		a := log.Client("a")
		set := []protocol.Change{Create("todos", 1, `{"id":1}`), Create("todos", 2, `{"id":2}`), Delete("todos", 3)}
		head := a.Submits(set...).Head
		wantReceipt(t, a.Submits(set...), revlog.Receipt{Head: head})
	}},

	{"a set with no effect is answered", func(t *testing.T, log *Log) {
		a := log.Client("a")
		wantReceipt(t, a.Submits(), revlog.Receipt{})
		wantReceipt(t, a.Creates("todos", 1, `{}`), revlog.Receipt{Head: 1, Appended: 1})
		wantReceipt(t, a.Submits(), revlog.Receipt{Head: 1})
		wantReceipt(t, log.Client("b").Submits(), revlog.Receipt{Head: 1})
	}},
}
