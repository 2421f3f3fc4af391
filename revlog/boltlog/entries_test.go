package boltlog_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/revlog/boltlog"
)

func submitAll(t *testing.T, db *boltlog.DB, client string, changes ...protocol.Change) {
	t.Helper()
	if _, err := db.Submit(t.Context(), revlog.Set{Client: client, Changes: changes, Time: heldTime, Base: db.MustHead()}); err != nil {
		t.Fatal(err)
	}
}

func entriesOf(t *testing.T, db *boltlog.DB, after protocol.Revision, filter revlog.Filter) []string {
	t.Helper()
	var lines []string
	err := revlog.EachEntry(t.Context(), db, after, filter, func(e revlog.Entry) error {
		lines = append(lines, string(e.AppendJSON(nil)))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func TestEntries(t *testing.T) {
	db := openHeld(t, filepath.Join(tempDir(t), "entries.db"))
	submitAll(t, db, "a", protocol.Change{Type: protocol.Create, Table: "items", Key: `"x"`, Obj: []byte(`{"id":"x","n":1}`)})
	submitAll(t, db, "b", protocol.Change{Type: protocol.Update, Table: "items", Key: `"x"`, Mods: []byte(`{"n":2}`)})
	submitAll(t, db, "b", protocol.Change{Type: protocol.Create, Table: "other \"one\"", Key: `5`, Obj: []byte(`{"id":5}`)})
	submitAll(t, db, "a", protocol.Change{Type: protocol.Delete, Table: "items", Key: `"x"`})
	if _, err := db.Submit(t.Context(), revlog.Set{
		Client: "b", Base: db.MustHead(), Time: heldTime,
		Refused: []protocol.Refusal{{Table: "items", Key: `"x"`, Reason: "no", Change: []byte(`{}`)}},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Submit(t.Context(), revlog.Resync{Client: "a", Base: 2, Time: heldTime}); err != nil {
		t.Fatal(err)
	}
	for _, tables := range [][]string{{"items"}, {"items", "other \"one\""}} {
		if _, err := db.Submit(t.Context(), revlog.Subscribe{Client: "b", Base: 5, Tables: tables, Time: heldTime}); err != nil {
			t.Fatal(err)
		}
	}
	all := []string{
		`{"revision":1,"type":"create","table":"items","key":"x","obj":{"id":"x","n":1},"client":1}`,
		`{"revision":2,"type":"update","table":"items","key":"x","mods":{"n":2},"client":2,"previous":1}`,
		`{"revision":3,"type":"create","table":"other \"one\"","key":5,"obj":{"id":5},"client":2}`,
		`{"revision":4,"type":"delete","table":"items","key":"x","client":1,"previous":2}`,
		`{"revision":5,"type":"repair","table":"items","key":"x","client":2,"previous":4}`,
		`{"revision":6,"type":"resync","client":1,"previous":2}`,
		`{"revision":7,"type":"resync","tables":["other \"one\""],"client":2,"previous":0}`,
	}
	for _, test := range []struct {
		after  protocol.Revision
		filter revlog.Filter
		want   []string
	}{
		{0, revlog.Filter{}, all},
		{4, revlog.Filter{}, all[4:]},
		{7, revlog.Filter{}, nil},
		{99, revlog.Filter{}, nil},
		{2, revlog.Filter{Table: "items"}, all[3:5]},
		{0, revlog.Filter{Key: `5`}, all[2:3]},
		{0, revlog.Filter{Table: "items", Key: `"5"`}, nil},
	} {
		if diff := cmp.Diff(test.want, entriesOf(t, db, test.after, test.filter)); diff != "" {
			t.Errorf("after %d, %+v (-want +got):\n%s", test.after, test.filter, diff)
		}
	}
}

// A long log comes in pages, whatever the filter lets pass, and without a gap.
func TestEntriesComeInPages(t *testing.T) {
	db := openHeld(t, filepath.Join(tempDir(t), "pages.db"))
	var changes []protocol.Change
	for i := range 10_000 {
		text := strings.Repeat("x", 500)
		changes = append(changes, protocol.Change{Type: protocol.Create, Table: fmt.Sprint("t", i%3), Key: protocol.Key(fmt.Sprint(i)), Obj: fmt.Appendf(nil, `{"id":%d,"text":%q}`, i, text)})
	}
	submitAll(t, db, "a", changes...)
	if got := len(entriesOf(t, db, 0, revlog.Filter{})); got != 10_000 {
		t.Errorf("%d entries, want 10000", got)
	}
	if got := len(entriesOf(t, db, 0, revlog.Filter{Table: "t1"})); got != 3333 {
		t.Errorf("%d entries of a table, want 3333", got)
	}
	if got := entriesOf(t, db, 0, revlog.Filter{Key: "9999"}); len(got) != 1 {
		t.Errorf("%d entries of a key, want 1", len(got))
	}
	stop := errors.New("stop")
	if err := revlog.EachEntry(t.Context(), db, 0, revlog.Filter{}, func(revlog.Entry) error { return stop }); err != stop {
		t.Errorf("got %v, want the error of visit", err)
	}
	// What is committed meanwhile does not wait for who looks, and does not come.
	seen := 0
	err := revlog.EachEntry(t.Context(), db, 9_990, revlog.Filter{}, func(e revlog.Entry) error {
		submitAll(t, db, "b", protocol.Change{Type: protocol.Delete, Table: "t0", Key: protocol.Key(fmt.Sprint(3 * seen))})
		seen++
		return nil
	})
	if err != nil || seen != 10 {
		t.Errorf("saw %d entries, %v; want 10", seen, err)
	}
}
