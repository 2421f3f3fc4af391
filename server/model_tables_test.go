package server_test

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"syncabled/revlog/boltlog"
)

// naming is which tables the clients of a schedule have, and how they say so. The zero
// value is all, of clients that name none.
type naming struct {
	tables [][]string // of each client, in the beginning; nil for all
	forms  []string   // of each client: the message that names them, see below
}

// The messages that can name tables. A client that has all tables need not.
const (
	namesInIdentity  = "identity"
	namesInSubscribe = "subscribe"
	namesInBoth      = "both" // the first one is wrong
	namesIfItMust    = "if it must"
)

var modelTables = []string{"notes", "a:b"}

// nameTables has clients of some schedules have a part of the tables, and others after a
// while if there are faults.
func (s *schedule) nameTables(rng *rand.Rand, horizon time.Duration, changes bool) {
	if rng.IntN(3) > 0 {
		return
	}
	for range s.settings.clients {
		s.settings.naming.tables = append(s.settings.naming.tables, drawTables(rng))
		s.settings.naming.forms = append(s.settings.naming.forms, pick(rng, namesInIdentity, namesInSubscribe, namesInBoth, namesIfItMust))
	}
	for n := rng.IntN(6); changes && n > 0; n-- {
		s.steps = append(s.steps, event{time.Duration(rng.Int64N(int64(horizon))), stepSchema, rng.IntN(s.settings.clients), rng.Uint64()})
	}
}

func drawTables(rng *rand.Rand) []string {
	return pick(rng, modelTables, modelTables, modelTables[:1], modelTables[1:])
}

// begin gives a client the tables that it has in the beginning.
func (n naming) begin(c *modelClient, i int) {
	if i < len(n.tables) {
		c.db.setTables(n.tables[i])
		c.naming = n.forms[i]
	}
}

// setTables is an upgrade of the schema: tables that are new are empty, and those that
// are in it no longer are gone.
func (d *database) setTables(names []string) {
	var tables []*table
	for _, t := range newDatabase().tables {
		if i := slices.IndexFunc(d.tables, func(old *table) bool { return old.name == t.name }); i >= 0 {
			t = d.tables[i]
		}
		if slices.Contains(names, t.name) {
			tables = append(tables, t)
		}
	}
	d.tables = tables
}

func (d *database) hasTable(name string) bool {
	return slices.ContainsFunc(d.tables, func(t *table) bool { return t.name == name })
}

// checkTables fails the test if changes are of a table that the client lacks:
// Dexie.Syncable would drop the batch.
func (p *page) checkTables(changes []change) {
	for _, c := range changes {
		if !p.db.hasTable(c.Table) {
			p.client.world.fail("%s gets a change of the table %q, which it does not have", p.client.name, c.Table)
		}
	}
}

func (d *database) tableNames() []string {
	var names []string
	for _, t := range d.tables {
		names = append(names, t.name)
	}
	return names
}

// changeSchema loads the page of a client again, which then has other tables. All that
// the client has stored stays. An app of which an upload is under way waits with that,
// and one of which the server does not know yet which tables it has.
func (w *world) changeSchema(c *modelClient, rng *rand.Rand) {
	tables := drawTables(rng)
	if !w.knowsTables(c) || !c.crash(false) {
		return
	}
	if c.threshold != math.MaxInt {
		// What Dexie.Syncable has cut may be of a table that is gone by the time that the
		// rest of its set comes.
		for _, t := range c.db.tables {
			tables = append(slices.Clip(tables), t.name)
		}
	}
	c.db.setTables(tables)
	w.trace("%s has the tables %v", c.name, tables)
	w.closing.Go(func() { c.open() })
}

// knowsTables reports whether the server that runs knows which tables a client has.
func (w *world) knowsTables(c *modelClient) bool {
	identity := ""
	c.page.Load().task(func() {
		if n := c.db.node; n != nil && n.uploadState == nil && n.myRevision >= 0 {
			identity = n.identity
		}
	})
	var log *boltlog.DB
	w.mu.Lock()
	if w.site != nil {
		log = w.site.log
	}
	w.mu.Unlock()
	if identity == "" || log == nil {
		return false
	}
	known, err := log.Tables(context.Background(), identity)
	return err == nil && slices.Equal(known.Names(), sorted(c.namedTables()))
}

func sorted(names []string) []string {
	names = slices.Clone(names)
	slices.Sort(names)
	return names
}

// namedTables returns the tables that the client names, nil if it names none.
func (c *modelClient) namedTables() []string {
	names := c.db.tableNames()
	if c.naming == "" || c.naming == namesIfItMust && len(names) == len(modelTables) {
		return nil
	}
	return names
}

// nameTables adds to the messages that open a connection the tables that the client has.
func (c *modelClient) nameTables(identity, subscribe map[string]any) {
	names := c.namedTables()
	if names == nil {
		return
	}
	if c.naming != namesInIdentity {
		subscribe["tables"] = names
	}
	switch c.naming {
	case namesInIdentity:
		identity["tables"] = names
	case namesInBoth:
		identity["tables"] = []string{"wrong"}
	}
}
