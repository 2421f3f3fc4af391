package revlogtest

import (
	"fmt"
	"testing"

	"syncabled/protocol"
	"syncabled/revlog"
)

// How a set takes effect.
var setTests = []test{
	{"changes of a set apply in order", func(t *testing.T, log *Log) {
		log.Client("a").Submits(
			Create("todos", 1, `{"id":1,"n":0}`),
			Update("todos", 1, `{"n":1}`),
			Delete("todos", 2),
			Create("todos", 2, `{"id":2}`),
			Create("todos", 3, `{"id":3}`),
			Delete("todos", 3),
		)
		WantChanges(t, log.Objects(), Create("todos", 1, `{"id":1,"n":1}`), Create("todos", 2, `{"id":2}`))
	}},

	{"a set that returned is in the next page", func(t *testing.T, log *Log) {
		a := log.Client("a")
		for i := range 20 {
			receipt := a.Creates("todos", i, `{}`)
			WantChanges(t, log.ReadAll(stranger, receipt.Head-1), Create("todos", i, `{}`))
		}
	}},

	{"a set that returned survives a crash", func(t *testing.T, log *Log) {
		a := log.Client("a")
		var want []protocol.Change
		for i := range 10 {
			change := Create("todos", i, `{"made":true}`)
			a.Submits(change)
			want = append(want, change)
			log.Crashes()
			WantChanges(t, log.Objects(), want...)
		}
	}},

	{"a client goes on under another identity", func(t *testing.T, log *Log) {
		old, b := log.Client("old"), log.Client("b")
		old.Creates("todos", 1, `{"id":1}`)
		old.Begins(Create("todos", 2, `{"id":2}`))
		b.CatchesUp()
		b.Updates("todos", 1, `{"by":"b"}`)
		wantReceipt(t, log.submit(revlog.Rename{From: "old", To: "new"}), revlog.Receipt{Head: 2})
		c := log.Client("new")
		WantChanges(t, log.ReadAll("new", 0), Update("todos", 1, `{"by":"b"}`))
		wantReceipt(t, c.Updates("todos", 2, `{"x":1}`), revlog.Receipt{Head: 4, Appended: 2}) // no conflict with its own
		for range 2 {
			WantChanges(t, log.ReadAll("new", 0), Update("todos", 1, `{"by":"b"}`))
			WantChanges(t, log.ReadAll("old", 0), Create("todos", 1, `{"id":1,"by":"b"}`), Create("todos", 2, `{"id":2,"x":1}`))
			log.Crashes()
		}
		log.Client("old").Creates("todos", 3, `{"id":3}`) // somebody else
		log.submit(revlog.Rename{From: "old", To: "new"})
		log.submit(revlog.Rename{From: "nobody", To: "newer"})
		WantChanges(t, log.ReadAll("new", 4), Create("todos", 3, `{"id":3}`))
	}},

	{"a set commits as a whole", func(t *testing.T, log *Log) {
		const sets, size = 100, 7
		written := make(chan error, 1)
		go func() {
			for n := range sets {
				set := revlog.Set{Client: "a", Time: arrival}
				for i := range size {
					set.Changes = append(set.Changes, Create("todos", i, fmt.Sprintf(`{"n":%d}`, n)))
				}
				if _, err := log.Submit(t.Context(), set); err != nil {
					written <- err
					return
				}
			}
			written <- nil
		}()
		for log.Position() < sets*size {
			page := log.read(revlog.Query{Reader: stranger})
			for _, change := range page.Changes {
				if string(change.Obj) != string(page.Changes[0].Obj) {
					t.Errorf("at revision %d a reader sees %s beside %s", page.Revision, change.Obj, page.Changes[0].Obj)
				}
			}
			if page.Revision%size != 0 {
				t.Errorf("a reader is taken to revision %d, in the middle of a set", page.Revision)
			}
			if t.Failed() {
				break
			}
		}
		if err := <-written; err != nil {
			t.Error(err)
		}
	}},
}
