package server_test

import (
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
