package server_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"syncabled/revlog/boltlog"
	"syncabled/server"
)

// changesAt is a set with a base.
func changesAt(base, requestID int) string {
	return fmt.Sprintf(`{"type":"changes","changes":[{"type":2,"table":"t","key":"k","mods":{"n":1}}],"partial":false,"baseRevision":%d,"requestId":%d}`, base, requestID)
}

// Clients that have seen more than a database has are told of once, with their number;
// each counts once. They show by their position, or by the base of a set.
func TestClientsAheadOfADatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{})
		a := s.connect("/db/notes", nil)
		a.send(identity("a"), changes(1, object("k", 1)), subscribe(0))
		a.received()
		for range 2 {
			s.connect("/db/notes", nil).send(identity("b"), changesAt(500, 1), subscribe(500))
			s.connect("/db/notes", nil).send(identity("c"), subscribe(400))
			s.connect("/db/notes", nil).send(identity("d"), changesAt(300, 1))
			s.connect("/db/lists", nil).send(identity("b"), changesAt(1, 1))
			synctest.Wait()
		}
		time.Sleep(2 * time.Second)
		s.connect("/db/notes", nil).send(identity("e"), subscribe(500))
		time.Sleep(time.Minute)

		var logged []string
		for _, e := range s.events.about("clients are ahead of this database") {
			logged = append(logged, fmt.Sprint(e["level"], " ", e["database"], " ", e["clients"]))
		}
		if diff := cmp.Diff([]string{"warn lists 1", "warn notes 3"}, logged); diff != "" {
			t.Errorf("logged (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(map[string]int{"lists": 1, "notes": 4}, s.server.Status().Ahead); diff != "" {
			t.Errorf("status (-want +got):\n%s", diff)
		}
		if n := s.server.Counts().Ahead; n != 5 {
			t.Errorf("%d are counted, want 5", n)
		}
		if got, want := s.get("/readyz", nil), (ending{200, "ok clients are ahead of their database: 5, of 2 databases; see the log, or /status"}); got != want {
			t.Errorf("readyz: %v, want %v", got, want)
		}
		if got := s.get("/healthz", nil); got != (ending{200, "ok"}) {
			t.Errorf("healthz: %v", got)
		}
	})
}

// Clients that are where they can be are not ahead.
func TestNobodyIsAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{})
		a := s.connect("/", nil)
		a.send(identity("a"), changes(1, object("k", 1), object("l", 1)), subscribe(0))
		a.send(changesAt(2, 2), changesAt(3, 3), changesAt(3, 4))
		a.received()
		s.connect("/", nil).send(identity("b"), changesAt(3, 1), subscribe(3))
		s.connect("/", nil).send(identity("c"), changes(1), subscribe(0))
		time.Sleep(time.Minute)
		if ahead, ready := s.server.Status().Ahead, s.get("/readyz", nil); len(ahead) > 0 || ready.reason != "ok" {
			t.Errorf("ahead: %v, %v", ahead, ready)
		}
	})
}

// Clients that are ahead of a backup are what a restore is made for.
func TestClientsAheadOfABackup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{})
		a := s.connect("/", nil)
		a.send(identity("a"), changes(1, object("k", 1)))
		a.received()
		s.shutDown()
		path := filepath.Join(s.data, "default.db")
		if err := os.Rename(path, path+".copy"); err != nil {
			t.Fatal(err)
		}
		head, err := boltlog.Restore(path+".copy", path)
		if err != nil {
			t.Fatal(err)
		}
		s.start()
		s.connect("/", nil).send(identity("a"), changesAt(7, 1), subscribe(7))
		time.Sleep(time.Minute)
		if n := s.server.Counts().Ahead; n != 0 {
			t.Errorf("%d clients count as ahead", n)
		}
		s.connect("/", nil).send(identity("b"), subscribe(int(head)+100))
		synctest.Wait()
		if n := s.server.Counts().Ahead; n != 1 {
			t.Errorf("%d clients count as ahead, want the one of another database", n)
		}
	})
}

// A table whose keys clients count by themselves is told of once.
func TestKeysThatCollideAreLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{})
		counted := func(table, by string) string {
			return fmt.Sprintf(`{"type":1,"table":%q,"key":1,"obj":{"by":%q}}`, table, by)
		}
		for _, name := range []string{"a", "b", "c"} {
			c := s.connect("/db/notes", nil)
			c.send(identity(name), changes(1, counted("todos", name), counted("tags", name), object("k", 1)))
			c.expect(firstAck)
		}
		s.connect("/db/notes", nil).send(identity("d"), changes(1, object("k", 2))) // no key is counted
		synctest.Wait()
		var logged []string
		for _, e := range s.events.about("two clients gave different objects the same key") {
			logged = append(logged, fmt.Sprint(e["level"], " ", e["database"], " ", e["table"], " ", e["client"]))
		}
		if diff := cmp.Diff([]string{"warn notes todos b", "warn notes tags b"}, logged); diff != "" {
			t.Errorf("logged (-want +got):\n%s", diff)
		}
		if n := s.server.Counts().Collisions; n != 4 {
			t.Errorf("%d are counted, want 4", n)
		}
	})
}
