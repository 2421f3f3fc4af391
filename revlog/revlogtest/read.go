package revlogtest

import (
	"errors"
	"testing"

	"syncabled/protocol"
	"syncabled/revlog"
)

// What a reader gets from a position.
var readTests = []test{
	{"a reader at the head gets an empty page", func(t *testing.T, log *Log) {
		want := func(head protocol.Revision) {
			t.Helper()
			page := log.read(revlog.Query{Reader: stranger, After: head})
			if len(page.Changes) > 0 || page.Revision != head || page.Partial {
				t.Errorf("at the head %d the page is %+v", head, page)
			}
		}
		want(0)
		want(log.Client("a").Creates("todos", 1, `{}`).Head)
	}},

	{"a reader is taken to the head, past its own changes too", func(t *testing.T, log *Log) {
		a, b := shared(log, `{"id":1}`)
		a.Updates("todos", 1, `{"x":1}`)
		head := a.Creates("other", 1, `{}`).Head
		a.CatchesUp()
		b.CatchesUp()
		if a.Base != head || b.Base != head {
			t.Errorf("readers are taken to %d and %d, the head is %d", a.Base, b.Base, head)
		}
	}},

	{"own changes are left out", func(t *testing.T, log *Log) {
		a, b := shared(log, `{"id":1}`)
		a.Updates("todos", 1, `{"x":"a"}`)
		a.Creates("todos", 2, `{"by":"a"}`)
		b.Creates("todos", 3, `{"by":"b"}`)
		WantChanges(t, a.CatchesUp(), Create("todos", 3, `{"by":"b"}`))
		WantChanges(t, b.CatchesUp(), Update("todos", 1, `{"x":"a"}`), Create("todos", 2, `{"by":"a"}`))
	}},

	{"own changes are left out from position 0 too", func(t *testing.T, log *Log) {
		log.Client("a").Creates("todos", 1, `{"by":"a"}`)
		log.Client("b").Creates("todos", 2, `{"by":"b"}`)
		WantChanges(t, log.ReadAll("a", 0), Create("todos", 2, `{"by":"b"}`))
		WantChanges(t, log.ReadAll("b", 0), Create("todos", 1, `{"by":"a"}`))
	}},

	{"there is one change per object: the net effect", func(t *testing.T, log *Log) {
		a, b := shared(log, `{"id":1,"x":{"n":0}}`)
		a.Updates("todos", 1, `{"x.n":1}`)
		a.Updates("todos", 1, `{"x.m":2,"y":2}`)
		a.Creates("todos", 2, `{"id":2}`)
		a.Updates("todos", 2, `{"x.n":3}`)
		a.Creates("todos", 3, `{"id":3}`)
		a.Deletes("todos", 3)
		a.Creates("todos", 4, `{"id":4,"n":1}`)
		a.Deletes("todos", 4)
		a.Creates("todos", 4, `{"id":4,"n":2}`)
		WantChanges(t, b.CatchesUp(),
			Update("todos", 1, `{"x.n":1,"x.m":2,"y":2}`),
			Create("todos", 2, `{"id":2,"x":{"n":3}}`),
			Delete("todos", 3),
			Create("todos", 4, `{"id":4,"n":2}`),
		)
	}},

	{"a later path goes inside an earlier one, or replaces those under it", func(t *testing.T, log *Log) {
		a, b := shared(log, `{"id":1}`)
		a.Updates("todos", 1, `{"x":{"m":1},"y.n":1,"y.m":1}`)
		a.Updates("todos", 1, `{"x.n":2,"y":2}`)
		WantChanges(t, b.CatchesUp(), Update("todos", 1, `{"x":{"m":1,"n":2},"y":2}`))
	}},

	{"of an object of several owners a reader gets what the others did", func(t *testing.T, log *Log) {
		a, b := shared(log, `{"id":1}`)
		maker := log.Client("maker")
		maker.CatchesUp()
		a.Updates("todos", 1, `{"x":"a","y":"a"}`)
		a.CatchesUp()
		b.CatchesUp()
		b.Updates("todos", 1, `{"y":"b"}`)
		WantChanges(t, a.CatchesUp(), Update("todos", 1, `{"y":"b"}`))
		WantChanges(t, maker.CatchesUp(), Update("todos", 1, `{"x":"a","y":"b"}`))

		// From position 0 it is the same.
		WantChanges(t, log.ReadAll("a", 0), Create("todos", 1, `{"id":1,"y":"b"}`))
		WantChanges(t, log.ReadAll("b", 0), Create("todos", 1, `{"id":1,"x":"a","y":"a"}`))
		WantChanges(t, log.ReadAll("maker", 0), Update("todos", 1, `{"x":"a","y":"b"}`))
		WantChanges(t, log.ReadAll(stranger, 0), Create("todos", 1, `{"id":1,"x":"a","y":"b"}`))
	}},

	{"what a reader deleted of others comes down as their changes", func(t *testing.T, log *Log) {
		a, _ := shared(log, `{"id":1}`)
		a.Deletes("todos", 1)
		WantChanges(t, a.CatchesUp())
		WantChanges(t, log.ReadAll("a", 0), Create("todos", 1, `{"id":1}`))
		WantChanges(t, log.ReadAll("maker", 0), Delete("todos", 1))
	}},

	{"tombstones are sent", func(t *testing.T, log *Log) {
		a, b := shared(log, `{"id":1}`)
		a.Deletes("todos", 1)
		WantChanges(t, b.CatchesUp(), Delete("todos", 1))
		WantChanges(t, log.ReadAll(stranger, 0), Delete("todos", 1))
		log.Reopens()
		WantChanges(t, log.ReadAll(stranger, 0), Delete("todos", 1))
	}},

	{"a batch can be read again", func(t *testing.T, log *Log) {
		a, b := shared(log, `{"id":1}`)
		a.Updates("todos", 1, `{"x":1}`)
		for range 3 {
			WantChanges(t, log.ReadAll("b", b.Base), Update("todos", 1, `{"x":1}`))
		}
	}},

	{"values come out byte for byte", func(t *testing.T, log *Log) {
		const obj = `{ "id" : 1, "n":12345678901234567890, "f":1.0, "e":1E+2, "s":"\ud800 \u00e9 é", "n":2, "z":{"b":1,"a":2} }`
		const mods = `{ "big" : 1.00000000000000000000000000001 , "s": "\udc00\/" }`
		a, b := shared(log, `{"id":1}`)
		a.Creates("todos", 2, obj)
		a.Updates("todos", 1, mods)
		bytes := map[protocol.ChangeType]string{}
		for _, change := range append(b.CatchesUp(), log.ReadAll(stranger, 1)...) {
			bytes[change.Type] = string(change.Obj) + string(change.Mods)
		}
		if bytes[protocol.Create] != obj || bytes[protocol.Update] != mods {
			t.Errorf("got %s, want %s and %s", bytes, obj, mods)
		}
		for _, change := range log.Objects() {
			if change.Key == "2" && string(change.Obj) != obj {
				t.Errorf("from position 0: got %s, want %s", change.Obj, obj)
			}
		}
	}},

	{"a position ahead of the log is an error", func(t *testing.T, log *Log) {
		wantAhead := func(position protocol.Revision) {
			t.Helper()
			if _, err := log.Read(t.Context(), revlog.Query{Reader: "a", After: position}); !errors.Is(err, revlog.ErrAhead) {
				t.Errorf("read from %d: got error %v, want ErrAhead", position, err)
			}
		}
		wantAhead(1)
		head := log.Client("a").Creates("todos", 1, `{}`).Head
		wantAhead(head + 1)
		wantAhead(protocol.MaxRevision)
	}},
}
