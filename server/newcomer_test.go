package server_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"syncabled/revlog"
	"syncabled/server"
)

// TestNewcomerDoesNotWaitForCommits: what a client begins with that has nothing to
// say is answered while the log is busy with others. A client that says something,
// or was here before, waits.
func TestNewcomerDoesNotWaitForCommits(t *testing.T) {
	const newborn = `{"type":"clientIdentity","clientIdentity":null}`
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, server.Config{})
		disk := newSlowDisk()
		s.wrapLog = func(log revlog.Log) revlog.Log { return slowLog{log, disk} }
		s.start()
		defer close(disk)
		for _, test := range []struct {
			identity, set string
			want          int // messages
		}{
			{newborn, changes(1), 3},
			{newborn, changes(1, object("k", 1)), 1},
			{identity("a"), changes(1), 0},
		} {
			c := s.connect("/", nil)
			c.send(test.identity, test.set, subscribe(0))
			if got := c.received(); len(got) != test.want || test.want == 3 && !strings.Contains(got[2], `"currentRevision":0`) {
				t.Errorf("to %s %s it answers %q", test.identity, test.set, got)
			}
		}
	})
}
