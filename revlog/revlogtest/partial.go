package revlogtest

import (
	"fmt"
	"testing"

	"syncabled/protocol"
	"syncabled/revlog"
)

// Sets that come in several messages.
var partialTests = []test{
	{"a partial set is held until the rest has come", func(t *testing.T, log *Log) {
		a := log.Client("a")
		wantReceipt(t, a.Begins(Create("todos", 1, `{"id":1}`)), revlog.Receipt{Held: true})
		wantReceipt(t, a.Begins(Create("todos", 2, `{"id":2}`)), revlog.Receipt{Held: true})
		WantChanges(t, log.ReadAll(stranger, 0))
		wantReceipt(t, a.Submits(Update("todos", 1, `{"x":1}`)), revlog.Receipt{Head: 3, Appended: 3})
		WantChanges(t, log.Objects(), Create("todos", 1, `{"id":1,"x":1}`), Create("todos", 2, `{"id":2}`))
	}},

	{"an empty message ends a partial set", func(t *testing.T, log *Log) {
		a := log.Client("a")
		a.Begins(Create("todos", 1, `{}`))
		wantReceipt(t, a.Submits(), revlog.Receipt{Head: 1, Appended: 1})
		wantReceipt(t, a.Submits(), revlog.Receipt{Head: 1})
		WantChanges(t, log.Objects(), Create("todos", 1, `{}`))
	}},

	{"every partial message keeps its own base", func(t *testing.T, log *Log) {
		a, b := shared(log, `{"id":1,"x":0,"y":0}`)
		a.Begins(Update("todos", 1, `{"x":"a"}`)) // made before b's
		b.Updates("todos", 1, `{"x":"b","y":"b"}`)
		a.CatchesUp()
		a.Submits(Update("todos", 1, `{"y":"a"}`)) // made after b's
		WantChanges(t, log.Objects(), Create("todos", 1, `{"id":1,"x":"b","y":"a"}`))
	}},

	{"a partial set is resolved when it is complete", func(t *testing.T, log *Log) {
		a, b := log.Client("a"), log.Client("b")
		a.Begins(Create("todos", 1, `{"by":"a"}`), Create("todos", 2, `{"by":"a"}`))
		b.Creates("todos", 1, `{"by":"b"}`)
		wantReceipt(t, a.Submits(), revlog.Receipt{Head: 2, Appended: 1, Collisions: []string{"todos"}})
		WantChanges(t, log.Objects(), Create("todos", 1, `{"by":"b"}`), Create("todos", 2, `{"by":"a"}`))
	}},

	{"partial sets of different clients are held apart", func(t *testing.T, log *Log) {
		a, b := log.Client("a"), log.Client("b")
		a.Begins(Create("todos", 1, `{"by":"a"}`))
		b.Begins(Create("todos", 2, `{"by":"b"}`))
		wantReceipt(t, log.Client("c").Submits(Create("todos", 3, `{"by":"c"}`)), revlog.Receipt{Head: 1, Appended: 1})
		wantReceipt(t, b.Submits(), revlog.Receipt{Head: 2, Appended: 1})
		WantChanges(t, log.Objects(), Create("todos", 2, `{"by":"b"}`), Create("todos", 3, `{"by":"c"}`))
		wantReceipt(t, a.Submits(), revlog.Receipt{Head: 3, Appended: 1})
	}},

	{"a partial set takes effect once", func(t *testing.T, log *Log) {
		a := log.Client("a")
		a.Begins(Create("todos", 1, `{"n":1}`))
		a.Submits(Delete("todos", 1))
		a.Begins(Create("todos", 2, `{"n":2}`))
		wantReceipt(t, a.Submits(), revlog.Receipt{Head: 3, Appended: 1})
		WantChanges(t, log.Objects(), Create("todos", 2, `{"n":2}`))
	}},

	{"a set that begins anew has nothing of what is held", func(t *testing.T, log *Log) {
		anew := func(partial bool, changes ...protocol.Change) revlog.Receipt {
			return log.submit(revlog.Set{Client: "a", First: true, Partial: partial, Changes: changes})
		}
		a := log.Client("a")
		anew(true, Create("todos", 1, `{}`))
		a.Begins(Create("todos", 2, `{}`))
		log.Reopens()
		wantReceipt(t, anew(true, Create("todos", 3, `{}`)), revlog.Receipt{Held: true})
		log.Crashes()
		a.Begins(Create("todos", 4, `{}`))
		wantReceipt(t, a.Submits(Create("todos", 5, `{}`)), revlog.Receipt{Head: 3, Appended: 3})
		anew(true, Create("todos", 6, `{}`))
		wantReceipt(t, anew(false, Create("todos", 7, `{}`)), revlog.Receipt{Head: 4, Appended: 1})
		anew(true, Create("todos", 8, `{}`))
		wantReceipt(t, anew(false), revlog.Receipt{Head: 4})
		wantReceipt(t, a.Submits(), revlog.Receipt{Head: 4})
		WantChanges(t, log.Objects(), Create("todos", 3, `{}`), Create("todos", 4, `{}`), Create("todos", 5, `{}`), Create("todos", 7, `{}`))
	}},

	{"a set of one who may only read drops nothing of what is held", func(t *testing.T, log *Log) {
		a := log.Client("a")
		a.Begins(Create("todos", 1, `{}`))
		log.submit(revlog.Set{Client: "a", First: true, ReadOnly: true, Apart: true, Changes: []protocol.Change{Create("todos", 2, `{}`)}})
		WantChanges(t, log.Objects())
		log.submit(revlog.Set{Client: "a", First: true, ReadOnly: true, Changes: []protocol.Change{Create("todos", 3, `{}`)}})
		WantChanges(t, log.Objects(), Create("todos", 1, `{}`))
	}},

	{"a partial set of many messages keeps their order", func(t *testing.T, log *Log) {
		const messages = 300
		a := log.Client("a")
		a.Begins(Create("todos", 1, `{"id":1}`))
		for i := range messages {
			if i%100 == 50 {
				log.Crashes()
			}
			a.Begins(Update("todos", 1, fmt.Sprintf(`{"n":%d}`, i)))
		}
		wantReceipt(t, a.Submits(), revlog.Receipt{Head: messages + 1, Appended: messages + 1})
		WantChanges(t, log.Objects(), Create("todos", 1, fmt.Sprintf(`{"id":1,"n":%d}`, messages-1)))
	}},

	{"held sets survive a reopen and a crash", func(t *testing.T, log *Log) {
		a, b := log.Client("a"), log.Client("b")
		a.Begins(Create("todos", 1, `{"by":"a"}`), Delete("todos", 7))
		b.Begins(Create("todos", 2, `{"by":"b"}`))
		log.Reopens()
		WantChanges(t, log.ReadAll(stranger, 0))
		a.Begins(Update("todos", 1, `{"x":{"y":1}}`))
		log.Crashes()
		a.Submits(Create("todos", 3, `{"by":"a"}`))
		WantChanges(t, log.Objects(), Create("todos", 1, `{"by":"a","x":{"y":1}}`), Create("todos", 3, `{"by":"a"}`))
		log.Crashes()
		wantReceipt(t, a.Submits(), revlog.Receipt{Head: 3})
		wantReceipt(t, b.Submits(), revlog.Receipt{Head: 4, Appended: 1})
	}},

	{"held messages keep their base over a reopen", func(t *testing.T, log *Log) {
		a, b := shared(log, `{"id":1,"x":0,"y":0}`)
		b.Updates("todos", 1, `{"x":"b"}`)
		a.Begins(Update("todos", 1, `{"x":"a","y":"a"}`))
		log.Reopens()
		a.CatchesUp()
		a.Submits()
		WantChanges(t, log.Objects(), Create("todos", 1, `{"id":1,"x":"b","y":"a"}`))
	}},

	{"a set is complete when Submit returns, whoever else submits", func(t *testing.T, log *Log) {
		const clients, messages = 8, 10
		done := make(chan error, clients)
		for n := range clients {
			go func() {
				done <- func() error {
					for i := range messages {
						set := revlog.Set{Client: fmt.Sprint(n), Time: arrival, Partial: i < messages-1,
							Changes: []protocol.Change{Create("todos", n*messages+i, `{}`)}}
						receipt, err := log.Submit(t.Context(), set)
						if err != nil {
							return err
						}
						if i == messages-1 && receipt.Appended != messages {
							return fmt.Errorf("client %d: %d entries were appended, want %d", n, receipt.Appended, messages)
						}
					}
					return nil
				}()
			}()
		}
		for range clients {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if head := log.Position(); head != clients*messages {
			t.Errorf("head is %d, want %d", head, clients*messages)
		}
	}},
}
