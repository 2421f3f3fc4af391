package revlogtest

import (
	"maps"
	"slices"
	"testing"

	"syncabled/protocol"
	"syncabled/revlog"
)

// Clients that name their tables.
var tableTests = []test{
	{"a table that a client did not name before is given to it", func(t *testing.T, log *Log) {
		a, b := log.Client("a"), log.Client("b")
		a.Creates("todos", 1, `{"id":1}`)
		a.Creates("notes", 1, `{"id":1}`)
		a.Deletes("notes", a.Creates("notes", 2, `{"id":2}`).Head)
		wantAnew(t, b.Names("todos"))
		WantChanges(t, b.CatchesUp(), Create("todos", 1, `{"id":1}`))
		a.Updates("todos", 1, `{"x":1}`)
		receipt := b.Names("notes", "todos")
		wantAnew(t, receipt, "notes")
		WantChanges(t, b.IsGiven(receipt), Create("notes", 1, `{"id":1}`), Create("notes", 2, `{"id":2}`), Update("todos", 1, `{"x":1}`))
		wantAnew(t, b.Names("notes", "todos"))
	}},

	{"one that the client may not have got is given again", func(t *testing.T, log *Log) {
		b := named(log, "todos")
		wantAnew(t, b.Names("notes", "todos"), "notes")
		log.Crashes()
		wantAnew(t, b.Names("notes", "todos"), "notes")
		wantAnew(t, b.Names("todos"))
		wantAnew(t, b.Names("notes", "other", "todos"), "notes", "other")
	}},

	{"who names no tables any more is given everything", func(t *testing.T, log *Log) {
		b := named(log, "todos")
		for range 2 {
			if receipt := b.log.submit(revlog.Subscribe{Client: "b", Base: b.Base}); !receipt.AllAnew || receipt.Anew != nil {
				t.Errorf("the receipt is %+v", receipt)
			}
		}
		b.CatchesUp()
		wantAnew(t, b.Names("notes"))
	}},

	{"the log keeps nothing of who names no tables, and who names them is not known for that", func(t *testing.T, log *Log) {
		head := log.Position()
		log.submit(revlog.Subscribe{Client: "b"})
		if known, err := log.Knows(t.Context(), "b"); known.Known || err != nil {
			t.Errorf("b is known: %v, %v", known, err)
		}
		b := log.Client("b")
		b.Names("notes", "todos")
		for range 2 {
			if known, err := log.Knows(t.Context(), "b"); known.Known || err != nil {
				t.Errorf("who has named tables and nothing else is known: %v, %v", known, err)
			}
			if got, err := log.Tables(t.Context(), "b"); err != nil || !slices.Equal(got.Names(), []string{"notes", "todos"}) {
				t.Errorf("b has the tables %q, %v", got.Names(), err)
			}
			log.Reopens()
		}
		b.Creates("notes", 1, `{}`)
		if known, err := log.Knows(t.Context(), "b"); !known.Known || err != nil {
			t.Errorf("b has written, and is known: %v, %v", known, err)
		}
		head++
		if now := log.Position(); now != head {
			t.Errorf("the head moved from %d to %d", head, now)
		}
	}},

	{"of a table that is given, the client's own work since it has it is left out", func(t *testing.T, log *Log) {
		b := named(log, "todos")
		b.Creates("notes", "old", `{"id":"old"}`)
		arrived := log.Position()
		b.Creates("notes", "mine", `{"id":"mine"}`)
		b.Creates("notes", "shared", `{"id":"shared"}`)
		a := log.Client("a")
		a.Creates("notes", "theirs", `{"id":"theirs"}`)
		a.CatchesUp()
		a.Updates("notes", "shared", `{"x":1}`)
		receipt := log.submit(revlog.Subscribe{Client: "b", Base: b.Base, Tables: []string{"notes", "todos"}, Arrived: arrived})
		b.Creates("notes", "later", `{"id":"later"}`)
		b.Updates("notes", "mine", `{"x":1}`)
		WantChanges(t, b.IsGiven(receipt),
			Create("notes", "old", `{"id":"old"}`),
			Create("notes", "shared", `{"id":"shared","x":1}`),
			Create("notes", "theirs", `{"id":"theirs"}`))
	}},

	{"a change that was made before a table was given has its object repaired", func(t *testing.T, log *Log) {
		a, b := log.Client("a"), named(log, "todos")
		a.Creates("notes", 1, `{"id":1}`)
		arrived := log.Position()
		b.Creates("notes", "mine", `{"id":"mine"}`)
		before := *b
		receipt := log.submit(revlog.Subscribe{Client: "b", Base: b.Base, Tables: []string{"notes", "todos"}, Arrived: arrived})
		b.IsGiven(receipt)
		before.Updates("notes", 1, `{"x":1}`)
		before.Updates("notes", "mine", `{"x":1}`) // it was not given
		b.Updates("notes", 1, `{"y":1}`)
		WantChanges(t, b.CatchesUp(), Create("notes", 1, `{"id":1,"y":1}`))
	}},

	{"what a client makes of a table before it is given loses to what is there", func(t *testing.T, log *Log) {
		a := log.Client("a")
		a.Creates("notes", 1, `{"by":"a"}`)
		a.Creates("notes", 2, `{"by":"a"}`)
		b := named(log, "todos")
		b.Creates("notes", 1, `{"by":"b"}`)
		receipt := b.Names("notes", "todos")
		b.Deletes("notes", 2)
		b.IsGiven(receipt)
		first := Create("todos", "first", `{"id":"first"}`)
		WantChanges(t, log.Objects(), first, Create("notes", 1, `{"by":"a"}`), Create("notes", 2, `{"by":"a"}`))
		b.Creates("notes", 1, `{"by":"b"}`)
		WantChanges(t, log.Objects(), first, Create("notes", 1, `{"by":"b"}`), Create("notes", 2, `{"by":"a"}`))
	}},

	{"tables that are given come in pages of any size", func(t *testing.T, log *Log) {
		a, b := log.Client("a"), log.Client("b")
		for i := range 5 {
			for _, table := range []string{"", "a", "notes", "o", "todos"} {
				a.Creates(table, i, `{}`)
			}
		}
		b.Names("a", "notes", "todos")
		b.CatchesUp()
		for i := range 3 {
			for _, table := range []string{"", "notes", "todos"} {
				a.Updates(table, i, `{"x":1}`)
			}
		}
		receipt := b.Names("", "notes", "o")
		wantAnew(t, receipt, "", "o")
		for _, snapshot := range []bool{false, true} {
			q := b.given(receipt)
			q.Snapshot = snapshot
			want := log.batch(q, nil).Changes
			if len(want) != 5+5+3 {
				t.Errorf("given are %d changes, want 13", len(want))
			}
			for q.MaxChanges = 1; q.MaxChanges < 15; q.MaxChanges++ {
				got := log.batch(q, func() { a.Updates("o", 1, `{"y":1}`); a.Updates("notes", 4, `{"y":1}`) })
				WantChanges(t, got.Changes, want...)
			}
		}
	}},

	{"tables go with the name of a client, and with who comes in its place", func(t *testing.T, log *Log) {
		b := named(log, "todos")
		log.submit(revlog.Rename{From: "b", To: "c"})
		c := &Client{Name: "c", Base: b.Base, log: log}
		wantAnew(t, c.Names("notes", "todos"), "notes")
		c.CatchesUp()
		d := revlog.Subscribe{Client: "d", Base: c.Base, Tables: []string{"notes", "other"}, Predecessor: "c"}
		wantAnew(t, log.submit(d), "other")
		d.Predecessor = "nobody"
		wantAnew(t, log.submit(d), "other")
	}},

	{"the record of a resync names its tables", func(t *testing.T, log *Log) {
		b := named(log, "todos")
		head := b.Names(`"quoted"`, "notes", "todos").Head
		log.Reopens()
		page, _, err := entryReader(t, log).Entries(t.Context(), head-1, 1, revlog.Filter{})
		const want = `["\"quoted\"","notes"]`
		if err != nil || len(page) != 1 || page[0].Change.Type != revlog.MarkResync || string(page[0].Change.Obj) != want {
			t.Errorf("the entry is %+v, %v, want the tables %s", page, err, want)
		}
	}},
}

// named returns a client that has named tables, and everything there is of them.
func named(log *Log, tables ...string) *Client {
	log.Client("maker").Creates("todos", "first", `{"id":"first"}`)
	b := log.Client("b")
	b.Names(tables...)
	b.CatchesUp()
	return b
}

// Names subscribes and names tables.
func (c *Client) Names(tables ...string) revlog.Receipt {
	c.log.tb.Helper()
	c.tables = map[string]struct{}{}
	for _, table := range tables {
		c.tables[table] = struct{}{}
	}
	return c.log.submit(revlog.Subscribe{Client: c.Name, Base: c.Base, Tables: tables, Arrived: c.log.Position()})
}

// given is the query for what the receipt of a Subscribe says the client is to be given.
func (c *Client) given(receipt revlog.Receipt) revlog.Query {
	tables := maps.Clone(c.tables)
	for table := range receipt.Anew {
		tables[table] = struct{}{}
	}
	return revlog.Query{Reader: c.Name, After: c.Base, UpTo: receipt.Head, Tables: tables, Anew: receipt.Anew}
}

// IsGiven reads that, and moves the client's base behind it.
func (c *Client) IsGiven(receipt revlog.Receipt) []protocol.Change {
	c.log.tb.Helper()
	q := c.given(receipt)
	batch := c.log.batch(q, nil)
	c.tables, c.Base = q.Tables, batch.Revision
	return batch.Changes
}

// wantAnew checks which tables a client is to be given.
func wantAnew(t *testing.T, receipt revlog.Receipt, tables ...string) {
	t.Helper()
	if got := slices.Sorted(maps.Keys(receipt.Anew)); !slices.Equal(got, tables) || receipt.AllAnew {
		t.Errorf("given are the tables %q, all: %v; want %q", got, receipt.AllAnew, tables)
	}
}
