package server_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"syncabled/revlog"
	"syncabled/revlog/boltlog"
	"syncabled/server"
)

// end ends the server and returns what Serve does. It fails the test if that takes more
// than two seconds beyond the drain time.
func (s *site) end() error {
	s.t.Helper()
	begun := time.Now()
	s.running = false
	s.stop()
	err := <-s.served
	if took, most := time.Since(begun), s.config.DrainTime+2*time.Second; took > most {
		s.t.Errorf("the server took %v to end, want at most %v", took, most)
	}
	return err
}

// Whatever some clients do, the server ends in time, and the others are closed over the
// drain time.
func TestServeEndsInTime(t *testing.T) {
	for name, join := range map[string]func(s *site){
		"takes in nothing": func(s *site) {
			c := s.connect("/", nil)
			c.link.hold(true)
			c.send(identity("b"), subscribe(0))
		},
		"takes in little": func(s *site) {
			c := s.connectThrough("/", nil, func(conn net.Conn) net.Conn { return slowConn{conn, 4 << 10} })
			c.send(identity("b"), subscribe(0))
			time.Sleep(time.Second)
			c.send(changes(1, object("new", 1)))
		},
		"is owed an acknowledgement": func(s *site) {
			c := s.connect("/", nil)
			c.link.hold(true)
			c.send(identity("b"), subscribe(0))
			time.Sleep(time.Second)
			c.send(changes(1, object("new", 1)))
		},
		"does not answer a close": func(s *site) {
			s.connectRaw("/").write(frame(opText, identity("b")))
		},
		"is in the middle of a frame": func(s *site) {
			s.connectRaw("/").write(frameHeader(opText, 100))
		},
		"is in the middle of a handshake": func(s *site) {
			link, err := s.network.dial(context.Background())
			if err != nil {
				s.t.Fatal(err)
			}
			s.t.Cleanup(link.cut)
			_, _ = link.client.Write([]byte("GET / HTTP/1.1\r\n"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := startSite(t, server.Config{DrainTime: 4 * time.Second})
				a := s.connect("/", nil)
				a.send(identity("a"), largeSet(1))
				a.expect(firstAck)
				for range 3 {
					join(s)
				}
				time.Sleep(time.Second)
				if err := s.end(); err != nil {
					t.Errorf("Serve: %v", err)
				}
				a.expectEnding(restarting)
				if err := s.dir.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestStalledClientsDoNotHurryOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{DrainTime: 10 * time.Second})
		a := s.connect("/", nil)
		a.send(identity("a"), largeSet(1))
		a.expect(firstAck)
		var clients []*client
		for i := range 20 {
			c := s.connect("/", nil)
			clients = append(clients, c)
			if i%2 == 0 {
				c.link.hold(true)
			}
			c.send(identity(string(rune('b'+i))), subscribe(0))
		}
		synctest.Wait()
		s.stop()
		for tenth := range 10 {
			time.Sleep(time.Second)
			if n := len(endings(clients)); n > 2*(tenth+1)+2 { // of 21, in any order
				t.Errorf("%d clients are closed after %d s", n, tenth+1)
			}
		}
		if err := s.end(); err != nil {
			t.Errorf("Serve: %v", err)
		}
		for i, c := range clients {
			if i%2 == 1 {
				c.expectEnding(restarting)
			}
		}
		if len(s.events.about("cut connections")) != 1 {
			t.Error("it was not logged, once, that connections were cut")
		}
		if err := s.dir.Close(); err != nil {
			t.Error(err)
		}
	})
}

// A commit that does not come to its end keeps neither the server nor other databases.
func TestServeDoesNotWaitForCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, server.Config{DrainTime: 5 * time.Second})
		disk := newSlowDisk()
		s.wrapLog = func(log revlog.Log) revlog.Log { return slowLog{log, disk} }
		s.start()
		a := s.connect("/", nil)
		a.send(identity("a"), changes(1, object("k", 1)))
		synctest.Wait()
		if err := s.end(); err != nil {
			t.Errorf("Serve: %v", err)
		}
		a.expectEnding(restarting)
		if said := s.events.about("ending with messages"); len(said) != 1 || said[0]["connections"] != 1.0 || said[0]["level"] != "warn" {
			t.Errorf("it was logged as %v that one message was left", said)
		}
		if err := s.dir.Close(); err != nil {
			t.Error(err)
		}

		close(disk) // what it wanted to commit finds the log closed
		s.start()
		a = s.connect("/", nil)
		a.send(identity("a"), subscribe(0))
		a.expect(`{"type":"changes","changes":[],"currentRevision":0,"partial":false}`)
	})
}

// A message is answered that is committed within half a second of the drain time.
func TestLateCommitIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, server.Config{DrainTime: 5 * time.Second})
		disk := newSlowDisk()
		s.wrapLog = func(log revlog.Log) revlog.Log { return slowLog{log, disk} }
		s.start()
		a := s.connect("/", nil)
		a.send(identity("a"), changes(1, object("k", 1)))
		synctest.Wait()
		time.AfterFunc(5300*time.Millisecond, func() { close(disk) })
		if err := s.end(); err != nil {
			t.Errorf("Serve: %v", err)
		}
		a.expect(firstAck)
		a.expectEnding(restarting)
		if err := s.dir.Close(); err != nil {
			t.Error(err)
		}
	})
}

// A stuckLog does not close before its disk is ready.
type stuckLog struct {
	revlog.Log
	disk slowDisk
}

func (l stuckLog) Close() error {
	<-l.disk
	return l.Log.Close()
}

// Databases that cannot be closed, or are still being opened, are left, and named. The
// others are closed.
func TestServeAbandonsDatabases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, server.Config{DrainTime: 5 * time.Second})
		disk := newSlowDisk()
		closed := make(chan string, 10)
		s.config.Open = func(name string) (revlog.Log, error) {
			if name == "opening" {
				<-disk
			}
			log, err := s.dir.Open(name)
			switch {
			case err != nil:
				return nil, err
			case name == "stuck":
				return stuckLog{log, disk}, nil
			}
			return tellingLog{log, func() { closed <- name }}, nil
		}
		s.start()
		for _, path := range []string{"/db/stuck", "/db/opening", "/db/one", "/db/two"} {
			s.connect(path, nil).send(identity("a"), changes(1, object("k", 1)))
		}
		synctest.Wait()
		err := s.end()
		var abandoned *server.AbandonedError
		if !errors.As(err, &abandoned) {
			t.Fatalf("Serve: %v, want it to tell of databases that it left", err)
		}
		if diff := cmp.Diff([]string{"opening", "stuck"}, abandoned.Databases); diff != "" {
			t.Errorf("left (-want +got):\n%s", diff)
		}
		names := []string{<-closed, <-closed}
		slices.Sort(names)
		if diff := cmp.Diff([]string{"one", "two"}, names); diff != "" {
			t.Errorf("closed (-want +got):\n%s", diff)
		}

		// What was left comes to its end, and the next server finds all of it.
		close(disk)
		synctest.Wait()
		if err := s.dir.Close(); err != nil {
			t.Error(err)
		}
		s.config.Open = nil
		s.start()
		a := s.connect("/db/stuck", nil)
		a.send(identity("b"), subscribe(0))
		a.expect(
			`{"type":"changes","changes":[],"currentRevision":0,"partial":false}`,
			`{"type":"changes","changes":[`+object("k", 1)+`],"currentRevision":2,"partial":false}`)
	})
}

// A tellingLog tells that it is closed.
type tellingLog struct {
	revlog.Log
	tell func()
}

func (l tellingLog) Close() error {
	defer l.tell()
	return l.Log.Close()
}

// A backedUpLog waits, when it is closed, for its backups.
type backedUpLog struct {
	*boltlog.DB
	backups *sync.WaitGroup
}

func (l backedUpLog) WriteTo(w io.Writer) (int64, error) {
	l.backups.Add(1)
	defer l.backups.Done()
	return l.DB.WriteTo(w)
}

func (l backedUpLog) Close() error {
	l.backups.Wait() // as bbolt does, but with a lock
	return l.DB.Close()
}

// A backup that nobody takes in does not keep the database from being closed.
func TestServeCutsBackup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, server.Config{DrainTime: 5 * time.Second})
		s.wrapLog = func(log revlog.Log) revlog.Log { return backedUpLog{log.(*boltlog.DB), new(sync.WaitGroup)} }
		s.start()
		a := s.connect("/", nil)
		a.send(identity("a"), largeSet(1))
		a.expect(firstAck)
		operator := newNetwork()
		web := &http.Server{Handler: s.server.Control()}
		served := make(chan error, 1)
		go func() { served <- web.Serve(operator) }()
		link, err := operator.dial(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		defer link.cut()
		_, _ = link.client.Write([]byte("GET /backup/default HTTP/1.1\r\nHost: control\r\n\r\n"))
		synctest.Wait()
		if err := s.end(); err != nil {
			t.Errorf("Serve: %v", err)
		}
		if err := s.dir.Close(); err != nil {
			t.Error(err)
		}
		_ = web.Close()
		<-served
	})
}
