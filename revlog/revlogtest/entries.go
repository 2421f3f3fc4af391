package revlogtest

import (
	"errors"
	"testing"

	"syncabled/protocol"
	"syncabled/revlog"
)

// Reading the log entry by entry.
var entryTests = []test{
	{"entries come in pages of any size", func(t *testing.T, log *Log) {
		reader := entryReader(t, log)
		for i := range 5 {
			log.submit(revlog.Set{Client: "a", Base: protocol.Revision(i), Changes: []protocol.Change{Create("todos", i, `{}`)}})
		}
		for max := 1; max < 7; max++ {
			next, seen := protocol.Revision(0), protocol.Revision(0)
			for next < 5 {
				page, goOn, err := reader.Entries(t.Context(), next, max, revlog.Filter{})
				if err != nil || len(page) == 0 || len(page) > max || goOn != page[len(page)-1].Revision {
					t.Fatalf("at most %d entries after %d: %+v, then after %d, %v", max, next, page, goOn, err)
				}
				for _, e := range page {
					if seen++; e.Revision != seen || e.Change.Type != protocol.Create {
						t.Errorf("entry %d is %+v", seen, e)
					}
				}
				next = goOn
			}
		}
	}},

	{"entries that do not pass are looked at", func(t *testing.T, log *Log) {
		reader := entryReader(t, log)
		for i := range 5 {
			log.submit(revlog.Set{Client: "a", Base: protocol.Revision(i), Changes: []protocol.Change{Create("todos", i, `{}`)}})
		}
		page, next, err := reader.Entries(t.Context(), 0, 3, revlog.Filter{Key: "4"})
		if err != nil || len(page) > 0 || next != 3 {
			t.Errorf("of the first three: %+v, next %d, %v", page, next, err)
		}
		page, next, err = reader.Entries(t.Context(), next, 3, revlog.Filter{Key: "4"})
		if err != nil || len(page) != 1 || page[0].Revision != 5 || next != 5 {
			t.Errorf("of the others: %+v, next %d, %v", page, next, err)
		}
	}},

	{"there is nothing after the head, and an error beyond it", func(t *testing.T, log *Log) {
		reader := entryReader(t, log)
		log.submit(revlog.Set{Client: "a", Changes: []protocol.Change{Create("todos", 1, `{}`)}})
		if page, next, err := reader.Entries(t.Context(), 1, 1, revlog.Filter{}); len(page) > 0 || next != 1 || err != nil {
			t.Errorf("after the head: %+v, next %d, %v", page, next, err)
		}
		if _, _, err := reader.Entries(t.Context(), 2, 1, revlog.Filter{}); !errors.Is(err, revlog.ErrAhead) {
			t.Errorf("beyond the head: got error %v, want ErrAhead", err)
		}
	}},
}

func entryReader(t *testing.T, log *Log) revlog.EntryReader {
	t.Helper()
	reader, ok := log.Log.(revlog.EntryReader)
	if !ok {
		t.Skip("the log does not give its entries")
	}
	return reader
}
