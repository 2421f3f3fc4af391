package revlogtest

import (
	"testing"

	"syncabled/protocol"
	"syncabled/revlog"
)

// What is the same after a log was closed, or crashed, and opened again.
var reopenTests = []test{
	{"everything is there after a reopen", func(t *testing.T, log *Log) {
		wantSame(t, log, log.Reopens)
	}},

	{"everything is there after a crash", func(t *testing.T, log *Log) {
		wantSame(t, log, log.Crashes)
	}},

	{"everything is there after several of both", func(t *testing.T, log *Log) {
		wantSame(t, log, func() {
			log.Crashes()
			log.Crashes()
			log.Reopens()
			log.Reopens()
			log.Crashes()
		})
	}},

	{"an empty log stays empty", func(t *testing.T, log *Log) {
		log.Reopens()
		log.Crashes()
		if head := log.Position(); head != 0 {
			t.Errorf("head is %d, want 0", head)
		}
		wantReceipt(t, log.Client("a").Creates("todos", 1, `{}`), revlog.Receipt{Head: 1, Appended: 1})
	}},

	{"conflicts are resolved as before", func(t *testing.T, log *Log) {
		a, b := shared(log, `{"id":1,"x":0,"y":0,"z":0}`)
		a.Updates("todos", 1, `{"x":"a"}`)
		log.Crashes()
		b.Updates("todos", 1, `{"y":"b"}`)
		log.Reopens()
		a.Updates("todos", 1, `{"x":"A","y":"A","z":"A"}`)
		WantChanges(t, log.Objects(), Create("todos", 1, `{"id":1,"x":"A","y":"b","z":"A"}`))
	}},

	{"clients are known as before", func(t *testing.T, log *Log) {
		a, b := log.Client("a"), log.Client("b")
		a.Creates("todos", 1, `{"by":"a"}`)
		log.Crashes()
		b.Creates("todos", 2, `{"by":"b"}`)
		log.Reopens()
		log.Client("c").Creates("todos", 3, `{"by":"c"}`)
		WantChanges(t, a.CatchesUp(), Create("todos", 2, `{"by":"b"}`), Create("todos", 3, `{"by":"c"}`))
		WantChanges(t, b.CatchesUp(), Create("todos", 1, `{"by":"a"}`), Create("todos", 3, `{"by":"c"}`))
	}},
}

// wantSame checks that an act changes nothing that a reader or a writer could
// notice.
func wantSame(t *testing.T, log *Log, act func()) {
	t.Helper()
	mixed(log)
	type view struct {
		reader string
		after  protocol.Revision
	}
	head := log.Position()
	before := map[view][]protocol.Change{}
	for _, reader := range []string{"a", "b", "c", stranger} {
		for after := range head {
			before[view{reader, after}] = log.ReadAll(reader, after)
		}
	}
	act()
	if got := log.Position(); got != head {
		t.Errorf("head is %d, want %d", got, head)
	}
	for from, want := range before {
		WantChanges(t, log.ReadAll(from.reader, from.after), want...)
	}
	wantReceipt(t, log.Client("d").Creates("new", 1, `{}`), revlog.Receipt{Head: head + 1, Appended: 1})
}
