package server_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"

	"syncabled/server"
)

// A client that may only read, and changes whatever it can as fast as it can, makes
// the log no larger than it may.
func TestReadersCannotFillTheLog(t *testing.T) {
	const sets, size = 200, 100
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{Authorizer: headerGrants{}})
		reader := s.connect("/", http.Header{"Grant": {"rita read"}})
		reader.send(identity(""), subscribe(0))
		for i := range sets {
			var objects []string
			for j := range size {
				objects = append(objects, object(fmt.Sprintf("%d.%d", i, j), 0))
			}
			reader.sendFrame(1, []byte(changes(i+1, objects...)))
		}
		if end := reader.ending(); end == nil || end.code != 1008 {
			t.Errorf("ended with %v, want 1008", end)
		}

		other := s.connect("/", http.Header{"Grant": {"olga"}})
		other.send(identity(""), subscribe(0))
		messages := other.received()
		var batch struct{ CurrentRevision int }
		if err := json.Unmarshal([]byte(messages[len(messages)-1]), &batch); err != nil {
			t.Fatal(err)
		}
		if head := batch.CurrentRevision; head < 10_000-size || head > 10_000+size {
			t.Errorf("the log has %d entries, want about 10,000", head)
		}
	})
}

// A client that may only read makes the log no larger by subscribing again and again, as
// itself or in the place of others.
func TestResyncsOfReadersAreRestrained(t *testing.T) {
	const connections, burst = 250, 100
	for name, row := range map[string]struct {
		identity func(i int) string // "" is what the client was given
		resyncs  int                // of a connection, and its subscription in the place of another
	}{
		"from the start":         {func(int) string { return "" }, 1},
		"in the place of others": {func(i int) string { return fmt.Sprintf("other-%d.0", i) }, 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := startSite(t, server.Config{Authorizer: headerGrants{}, ReadOnlyPerSecond: 1})
				olga := s.connect("/", http.Header{"Grant": {"olga"}})
				olga.send(identity(""), changes(1, object("k", 1)), subscribe(0))
				olga.received()
				mine, refused := "", 0
				for i := range connections {
					presented := row.identity(i)
					if presented == "" {
						presented = mine
					}
					reader := s.connect("/", http.Header{"Grant": {"rita read"}})
					reader.send(identity(presented), subscribe(0))
					if messages := reader.received(); mine == "" && len(messages) > 0 {
						var first struct{ ClientIdentity string }
						if err := json.Unmarshal([]byte(messages[0]), &first); err != nil {
							t.Fatal(err)
						}
						mine = first.ClientIdentity
					}
					if end := reader.ending(); end != nil && end.code == 1008 {
						refused++
					}
					reader.cut()
				}
				if want := connections - burst/row.resyncs; refused < want-2 || refused > want+2 {
					t.Errorf("%d of %d connections were refused, want about %d", refused, connections, want)
				}
			})
		})
	}
}

// A client that may only read can name other tables each time, and the log keeps that no
// more often than it may.
func TestReadersCannotFillTheLogWithTables(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{Authorizer: headerGrants{}, ReadOnlyPerSecond: 1})
		writer := s.connect("/", http.Header{"Grant": {"olga"}})
		writer.send(identity(""), changes(1, object("k", 1)))
		id, position := "", 0
		for i := range 300 {
			reader := s.connect("/", http.Header{"Grant": {"rita read"}})
			reader.send(fmt.Sprintf(`{"type":"clientIdentity","clientIdentity":%q,"tables":["t%d"]}`, id, i), subscribe(position))
			for _, message := range reader.received() {
				var msg struct {
					ClientIdentity  string
					CurrentRevision int
				}
				if err := json.Unmarshal([]byte(message), &msg); err != nil {
					t.Fatal(err)
				}
				id, position = cmp.Or(msg.ClientIdentity, id), cmp.Or(msg.CurrentRevision, position)
			}
			if end := reader.ending(); end != nil {
				if i < 100 || i > 110 || end.code != 1008 {
					t.Errorf("connection %d ended with %v", i, end)
				}
				return
			}
			reader.leave()
		}
		t.Error("it named 300 lists of tables")
	})
}
