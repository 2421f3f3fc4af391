package server_test

import (
	"errors"
	"net/http"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"syncabled/revlog"
	"syncabled/server"
)

func TestStatusOfSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{})
		a := s.connect("/db/notes", nil)
		a.send(identity("a"), subscribe(0))
		a.received()
		time.Sleep(time.Second)
		b := s.connect("/db/notes", nil)
		b.send(identity("b"), changes(1, object("k", 1), object("l", 1)))
		b.received()

		status := s.server.Status()
		want := server.Status{
			Databases: []server.DatabaseStatus{{Name: "notes", Sessions: 2, Log: revlog.Status{Head: 2, Objects: 2}}},
			Ahead:     map[string]int{},
			Sessions: []server.SessionStatus{
				{Client: "a", Database: "notes", Subscribed: true, Position: 2},
				{Client: "b", Database: "notes"},
			},
		}
		ignore := cmp.Options{
			cmpopts.IgnoreFields(server.SessionStatus{}, "ID", "Remote", "Since"),
			cmpopts.IgnoreFields(revlog.Status{}, "Size"),
		}
		if diff := cmp.Diff(want, status, ignore); diff != "" {
			t.Errorf("status (-want +got):\n%s", diff)
		}
		for _, session := range status.Sessions {
			if session.ID == "" || session.Remote == "" || time.Since(session.Since) > time.Second {
				t.Errorf("a session is %+v", session)
			}
		}
		if status.Databases[0].Log.Size == 0 {
			t.Error("the database has no size")
		}
	})
}

// A client that takes nothing in falls behind, in revisions and in time; the
// others do not.
func TestStatusOfClientThatIsBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{})
		slow, quick := s.connect("/", nil), s.connect("/", nil)
		slow.send(identity("slow"), subscribe(0))
		quick.send(identity("quick"), subscribe(0))
		slow.received()
		slow.link.hold(true)
		writer := s.connect("/", nil)
		writer.send(identity("writer"), largeSet(1))
		writer.expect(firstAck)
		writer.send(changes(2, object("last", 1)))
		writer.received()
		time.Sleep(10 * time.Second)
		for _, session := range s.server.Status().Sessions {
			behind := session.Client == "slow"
			if got := session.Lag == 17 && session.Behind == 10*time.Second; got != behind {
				t.Errorf("%s lags %d revisions behind, for %v", session.Client, session.Lag, session.Behind)
			}
		}
	})
}

func TestCountsOfConversation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{MaxConnectionsPerAddress: 2})
		a := s.connect("/", nil)
		a.send(identity("a"), subscribe(0))
		a.received()
		a.send(changes(1, object("k", 1), object("l", 1)))
		a.received()
		b := s.connect("/", nil)
		b.send(identity("b"), subscribe(0))
		b.received()
		s.connect("/", nil).received() // one too many
		s.connect("/nowhere", nil)
		s.connect("/", http.Header{"Origin": {"https://elsewhere.example"}})
		s.connect("/", http.Header{"Host": {"elsewhere.example"}})
		s.get("/", http.Header{"Host": {"elsewhere.example"}})
		b.leave()
		synctest.Wait()
		a.send("no JSON")
		a.received()

		got := s.server.Counts()
		want := server.Counts{
			Accepted: 2,
			Refused: map[string]int64{"address": 1, "path": 1, "origin": 1, "host": 2,
				"access": 0, "connections": 0, "draining": 0, "handshake": 0},
			Closed:           map[string]int64{"1001": 1, "1002": 1, "other": 0},
			MessagesReceived: 6,
			MessagesSent:     5, // the ack, two first batches, one more to a, the error
			SetsReceived:     1,
			ChangesReceived:  2,
			ChangesSent:      2,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("counts (-want +got):\n%s", diff)
		}
	})
}

// A server that is not ready says why, and goes on serving.
func TestReadiness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var trouble error
		static := http.FileServerFS(fstest.MapFS{"readyz": {Data: []byte("a file")}, "other": {Data: []byte("another")}})
		s := startSite(t, server.Config{Static: static, Ready: func() error { return trouble }})
		want := func(path string, code int, text string) {
			t.Helper()
			if got := s.get(path, nil); got != (ending{code, text}) {
				t.Errorf("%s: got %v, want %d %s", path, got, code, text)
			}
		}
		want("/readyz", 200, "ok")
		want("/other", 200, "another")
		trouble = errors.New("no room")
		want("/readyz", 503, "no room")
		want("/healthz", 200, "ok")
		a := s.connect("/", nil)
		a.send(identity("a"), subscribe(0))
		if len(a.received()) == 0 {
			t.Error("a client is not served")
		}
		trouble = nil
		s.stop()
		synctest.Wait()
		if err := s.server.Ready(); err == nil {
			t.Error("a server that is ending is ready")
		}
	})
}
