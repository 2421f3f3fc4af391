package revlogtest

import (
	"fmt"
	"strings"
	"testing"

	"syncabled/protocol"
	"syncabled/revlog"
)

// Batches in several pages.
var pageTests = []test{
	{"a page has at most MaxChanges changes", func(t *testing.T, log *Log) {
		mixed(log)
		for _, after := range []protocol.Revision{0, 1} {
			for most := 1; most < 10; most++ {
				q := revlog.Query{Reader: "a", After: after, MaxChanges: most}
				pages := 0
				for page := (revlog.Page{Partial: true}); page.Partial; q.Cursor = page.Next {
					page = log.read(q)
					pages++
					if n := len(page.Changes); n > most || page.Partial && n < most {
						t.Errorf("a page has %d changes of at most %d; more follow: %v", n, most, page.Partial)
					}
				}
				changes := len(log.ReadAll("a", after))
				if want := (changes + most - 1) / most; pages != want {
					t.Errorf("%d changes come in %d pages of %d, want %d", changes, pages, most, want)
				}
			}
		}
	}},

	{"a page has about MaxBytes bytes", func(t *testing.T, log *Log) {
		const objects, size = 40, 1000
		a := log.Client("a")
		a.Creates("first", 0, `{}`)
		for i := range objects {
			a.Creates("todos", i, `"`+strings.Repeat("x", size)+`"`)
		}
		for _, after := range []protocol.Revision{0, 1} {
			page := log.read(revlog.Query{Reader: stranger, After: after, MaxBytes: 10 * size})
			if n := len(page.Changes); n < 8 || n > 10 || !page.Partial {
				t.Errorf("a page of %d bytes has %d objects of %d bytes; more follow: %v", 10*size, n, size, page.Partial)
			}
			batch := log.batch(revlog.Query{Reader: stranger, After: after, MaxBytes: 10 * size}, nil)
			WantChanges(t, batch.Changes, log.ReadAll(stranger, after)...)
		}
	}},

	{"a page has at least one change", func(t *testing.T, log *Log) {
		mixed(log)
		for _, after := range []protocol.Revision{0, 1} {
			batch := log.batch(revlog.Query{Reader: stranger, After: after, MaxBytes: 1}, nil)
			WantChanges(t, batch.Changes, log.ReadAll(stranger, after)...)
		}
	}},

	{"a change larger than a page is a page of its own", func(t *testing.T, log *Log) {
		a := log.Client("a")
		a.Creates("todos", 1, `{}`)
		a.Creates("todos", 2, `"`+strings.Repeat("x", 9<<20)+`"`)
		a.Creates("todos", 3, `{}`)
		for _, after := range []protocol.Revision{0, 1} {
			sizes := []int{}
			q := revlog.Query{Reader: stranger, After: after}
			for page := (revlog.Page{Partial: true}); page.Partial; q.Cursor = page.Next {
				page = log.read(q)
				sizes = append(sizes, len(page.Changes))
			}
			if want := 3 - int(after); len(sizes) != want {
				t.Errorf("from position %d there are pages of %v changes, want %d pages of 1", after, sizes, want)
			}
		}
	}},

	{"a page has at most 50,000 changes unless told otherwise", func(t *testing.T, log *Log) {
		const limit = 50_000
		var all []protocol.Change
		for i := range limit + 1 {
			all = append(all, Create("t", i, `0`))
		}
		log.Client("maker").Creates("first", 0, `{}`)
		log.Client("a").Submits(all...)
		for _, reader := range []struct {
			after protocol.Revision
			more  int
		}{{0, 2}, {1, 1}} {
			page := log.read(revlog.Query{Reader: stranger, After: reader.after})
			if len(page.Changes) != limit || !page.Partial {
				t.Errorf("the first page has %d changes; more follow: %v", len(page.Changes), page.Partial)
			}
			page = log.read(revlog.Query{Reader: stranger, After: reader.after, Cursor: page.Next})
			if len(page.Changes) != reader.more || page.Partial {
				t.Errorf("the second page has %d changes, want %d; more follow: %v", len(page.Changes), reader.more, page.Partial)
			}
		}
	}},

	{"pages make up the batch", func(t *testing.T, log *Log) {
		mixed(log)
		for after := range log.Position() + 1 {
			for _, reader := range []string{"a", "b", "c", stranger} {
				want := log.ReadAll(reader, after)
				for _, most := range []int{1, 2, 3, 5} {
					batch := log.batch(revlog.Query{Reader: reader, After: after, MaxChanges: most}, nil)
					WantChanges(t, batch.Changes, want...)
				}
			}
		}
	}},

	{"a batch is that of its first page, from position 0", func(t *testing.T, log *Log) {
		batchWhileWriting(t, log, 0)
	}},

	{"a batch is that of its first page, from the log", func(t *testing.T, log *Log) {
		batchWhileWriting(t, log, 1)
	}},

	{"a batch is that of its first page, however much is written meanwhile", func(t *testing.T, log *Log) {
		mixed(log)
		for _, after := range []protocol.Revision{0, 1} {
			want := log.ReadAll("a", after)
			writer := log.Client("writer")
			batch := log.batch(revlog.Query{Reader: "a", After: after, MaxChanges: len(want) / 2}, func() {
				for round := range 5 {
					var changes []protocol.Change
					for i := range 2000 {
						changes = append(changes, Create("todos", i, fmt.Sprint(round)))
					}
					writer.Submits(changes...)
					writer.CatchesUp()
				}
			})
			WantChanges(t, batch.Changes, want...)
		}
	}},

	{"the batch after one that was read while others wrote has the rest", func(t *testing.T, log *Log) {
		mixed(log)
		c := log.Client("c")
		first := log.batch(revlog.Query{Reader: stranger, MaxChanges: 1}, func() {
			c.CatchesUp()
			c.Updates("todos", 4, `{"late":true}`)
		})
		WantChanges(t, log.ReadAll(stranger, first.Revision), Update("todos", 4, `{"late":true}`))
	}},

	{"a page can be read again", func(t *testing.T, log *Log) {
		mixed(log)
		for _, after := range []protocol.Revision{0, 1} {
			q := revlog.Query{Reader: stranger, After: after, MaxChanges: 2}
			q.Cursor = log.read(q).Next
			once := log.read(q)
			for page := once; page.Partial; page = log.read(revlog.Query{Reader: stranger, After: after, MaxChanges: 2, Cursor: page.Next}) {
			}
			WantChanges(t, log.read(q).Changes, once.Changes...)
		}
	}},
}

// mixed writes objects that three clients made, changed and deleted in turn.
func mixed(log *Log) {
	a, b, c := log.Client("a"), log.Client("b"), log.Client("c")
	a.Creates("first", 0, `{}`)
	for i := range 9 {
		a.Creates("todos", i, fmt.Sprintf(`{"id":%d,"by":"a"}`, i))
	}
	b.CatchesUp()
	for i := 0; i < 9; i += 2 {
		b.Updates("todos", i, `{"b":1,"x.y":1}`)
	}
	c.CatchesUp()
	for i := 0; i < 9; i += 3 {
		c.Updates("todos", i, `{"x":"c"}`)
		c.Creates("other", i, `{"by":"c"}`)
	}
	c.Deletes("todos", 1)
	c.Deletes("todos", 2)
	a.CatchesUp()
	a.Creates("todos", 2, `{"id":2,"again":true}`)
	a.Deletes("other", 3)
}

// batchWhileWriting reads batches page by page while others change, create and
// delete objects on all sides of the reader's place.
func batchWhileWriting(t *testing.T, log *Log, after protocol.Revision) {
	mixed(log)
	for _, reader := range []string{"a", "b", "c", stranger} {
		for most := 1; most < 5; most++ {
			want := log.ReadAll(reader, after)
			writer := log.Client("writer")
			writer.CatchesUp()
			round := 0
			batch := log.batch(revlog.Query{Reader: reader, After: after, MaxChanges: most}, func() {
				round++
				key := round % 9
				writer.Updates("todos", key, fmt.Sprintf(`{"late.%s":%d}`, reader, round))
				writer.Creates("todos", (key+4)%9, fmt.Sprintf(`{"again":%d}`, round))
				writer.Deletes("todos", (key+2)%9)
				writer.Creates("a-table-before", round%3, fmt.Sprint(round))
				writer.Creates("todos-after", round%3, fmt.Sprint(round))
				log.Client(reader).Creates("by-the-reader", round%3, fmt.Sprint(round))
			})
			if round > 0 && batch.Revision == log.Position() {
				t.Errorf("the batch leads to the head, which moved meanwhile")
			}
			WantChanges(t, batch.Changes, want...)
		}
	}
}
