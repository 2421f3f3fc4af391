package revlogtest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"syncabled/protocol"
	"syncabled/revlog"
)

// Many callers at once.
var concurrencyTests = []test{
	{"receipts of concurrent sets divide the log among them", func(t *testing.T, log *Log) {
		const writers, sets, size = 16, 20, 3
		type span struct{ from, to protocol.Revision }
		var mu sync.Mutex
		owners := map[protocol.Revision]span{} // by the first revision
		inParallel(t, writers, func(ctx context.Context, n int) error {
			for i := range sets {
				var changes []protocol.Change
				for k := range size {
					changes = append(changes, Create("todos", n*size+k, fmt.Sprintf(`{"n":"%d.%d"}`, n, i)))
				}
				r, err := log.Submit(ctx, revlog.Set{Client: fmt.Sprint(n), Base: log.Position(), Changes: changes, Time: arrival})
				if err != nil {
					return err
				}
				if r.Appended != size {
					return fmt.Errorf("%d entries were appended, want %d", r.Appended, size)
				}
				from := r.Head - protocol.Revision(r.Appended)
				mu.Lock()
				owners[from] = span{from, r.Head}
				mu.Unlock()
			}
			return nil
		})
		at := protocol.Revision(0)
		for at < log.Position() {
			s, ok := owners[at]
			if !ok {
				t.Fatalf("no set begins at revision %d", at)
			}
			at = s.to
		}
		if at != writers*sets*size {
			t.Errorf("the log has %d entries, want %d", at, writers*sets*size)
		}
	}},

	{"a set is in every page read after it returned", func(t *testing.T, log *Log) {
		inParallel(t, 16, func(ctx context.Context, n int) error {
			for i := range 20 {
				change := Create("todos", n, fmt.Sprintf(`{"n":%d}`, i))
				r, err := log.Submit(ctx, revlog.Set{Client: fmt.Sprint(n), Changes: []protocol.Change{change}, Time: arrival})
				if err != nil {
					return err
				}
				page, err := log.Read(ctx, revlog.Query{Reader: stranger, After: r.Head - 1})
				if err != nil {
					return err
				}
				if lines := readable(page.Changes); page.Revision < r.Head || !slices.Contains(lines, readable([]protocol.Change{change})[0]) {
					return fmt.Errorf("a page from %d to %d is without %+v:\n%s", r.Head-1, page.Revision, change, lines)
				}
				if moved, err := log.Wait(ctx, r.Head-1); err != nil || moved < r.Head {
					return fmt.Errorf("Wait(%d) returned %d, %v", r.Head-1, moved, err)
				}
			}
			return nil
		})
	}},

	{"readers that follow writers end with the same objects", func(t *testing.T, log *Log) {
		const writers, readers, sets = 8, 4, 40
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		views := make([]map[protocol.Key]string, readers)
		var following sync.WaitGroup
		for n := range readers {
			following.Go(func() { views[n] = follow(ctx, log, n+1) })
		}
		inParallel(t, writers, func(ctx context.Context, n int) error {
			for i := range sets {
				change := Create("todos", (n+i)%5, fmt.Sprintf(`{"n":"%d.%d"}`, n, i))
				if i%3 == 2 {
					change = Delete("todos", (n+i)%5)
				}
				if _, err := log.Submit(ctx, revlog.Set{Client: fmt.Sprint(n), Base: log.Position(), Changes: []protocol.Change{change}, Time: arrival}); err != nil {
					return err
				}
			}
			return nil
		})
		log.Client("last").Creates("end", 0, `{}`)
		following.Wait()
		for _, view := range views {
			var got []protocol.Change
			for key, obj := range view {
				got = append(got, protocol.Change{Type: protocol.Create, Table: "todos", Key: key, Obj: []byte(obj)})
			}
			WantChanges(t, append(got, Create("end", 0, `{}`)), log.Objects()...)
		}
	}},
}

// follow applies batch after batch, in small pages, until one touches the table
// called end.
func follow(ctx context.Context, log revlog.Log, pageSize int) map[protocol.Key]string {
	view := map[protocol.Key]string{}
	for position := protocol.Revision(0); ; {
		if _, err := log.Wait(ctx, position); err != nil {
			return view
		}
		end := false
		q := revlog.Query{Reader: stranger, After: position, MaxChanges: pageSize}
		for page := (revlog.Page{Partial: true}); page.Partial; q.Cursor = page.Next {
			var err error
			if page, err = log.Read(ctx, q); err != nil {
				return view
			}
			for _, change := range page.Changes {
				switch {
				case change.Table == "end":
					end = true
				case change.Type == protocol.Delete:
					delete(view, change.Key)
				default:
					view[change.Key] = string(change.Obj)
				}
			}
			position = page.Revision
		}
		if end {
			return view
		}
	}
}

// inParallel calls do once for each number below n, all at the same time.
func inParallel(t *testing.T, n int, do func(ctx context.Context, n int) error) {
	t.Helper()
	errs := make([]error, n)
	var running sync.WaitGroup
	for i := range n {
		running.Go(func() { errs[i] = do(t.Context(), i) })
	}
	running.Wait()
	for i, err := range errs {
		if err != nil {
			t.Errorf("caller %d: %v", i, err)
		}
	}
}
