package server_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"syncabled/revlog"
	"syncabled/server"
)

var restarting = ending{1012, "server is restarting"}

func TestDrainIsSpreadOverItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{DrainTime: 8 * time.Second})
		var clients []*client
		for range 4 {
			c := s.connect("/", nil)
			c.send(identity("same"), subscribe(0))
			c.received()
			clients = append(clients, c)
		}
		s.stop()
		synctest.Wait()
		var open []int // after 1 s, 3 s, ...
		for i := range clients {
			time.Sleep(time.Second)
			open = append(open, len(clients)-len(endings(clients)))
			if i < 3 {
				time.Sleep(time.Second)
			}
		}
		if diff := cmp.Diff([]int{3, 2, 1, 0}, open); diff != "" {
			t.Errorf("clients that are open (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(slices.Repeat([]ending{restarting}, 4), endings(clients), cmp.AllowUnexported(ending{})); diff != "" {
			t.Errorf("endings (-want +got):\n%s", diff)
		}
		s.shutDown() // fails the test unless Serve returns nil
		if c := s.connect("/", nil); c.ending() == nil {
			t.Error("a client could connect to a server that has ended")
		}
	})
}

var drained = flag.Int("drained", 200, "how many clients TestDrainOfManyIsEven connects")

// Many clients do not come back in a few herds: in each tenth of the time as many
// are closed.
func TestDrainOfManyIsEven(t *testing.T) {
	const tenths = 10
	many := *drained
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{DrainTime: tenths * time.Second})
		var clients []*client
		for i := range many {
			c := s.connect("/", nil)
			c.send(identity(fmt.Sprint(i)), subscribe(0))
			clients = append(clients, c)
		}
		synctest.Wait()
		s.stop()
		time.Sleep(time.Second / 2)
		for tenth := range tenths {
			got := len(endings(clients))
			if want := many*tenth/tenths + many/tenths/2; got < want-1 || got > want+1 {
				t.Errorf("%d clients are closed after %d.5 s, want %d", got, tenth, want)
			}
			time.Sleep(time.Second)
		}
		s.shutDown()
		if diff := cmp.Diff(slices.Repeat([]ending{restarting}, many), endings(clients), cmp.AllowUnexported(ending{})); diff != "" {
			t.Errorf("endings (-want +got):\n%s", diff)
		}
	})
}

// endings returns how the clients that are closed were.
func endings(clients []*client) []ending {
	var ended []ending
	for _, c := range clients {
		if e := c.ending(); e != nil {
			ended = append(ended, *e)
		}
	}
	return ended
}

func TestDrainFinishesMessageInHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, server.Config{})
		disk := newSlowDisk()
		s.wrapLog = func(log revlog.Log) revlog.Log { return slowLog{log, disk} }
		s.start()
		a := s.connect("/", nil)
		a.send(identity("a"), changes(1, object("k", 1)))
		a.expect()

		s.stop()
		time.Sleep(3 * time.Second)
		if e := a.ending(); e != nil {
			t.Fatalf("closed with %v while its set was being committed", e)
		}
		close(disk)
		a.expect(firstAck)
		if e := a.ending(); e == nil || *e != restarting {
			t.Errorf("ended with %v, want %v", e, restarting)
		}
	})
}

// A slowLog commits nothing before its disk is ready.
type slowLog struct {
	revlog.Log
	disk slowDisk
}

type slowDisk chan struct{}

func newSlowDisk() slowDisk { return make(slowDisk) }

func (l slowLog) Submit(ctx context.Context, command revlog.Command) (revlog.Receipt, error) {
	<-l.disk
	return l.Log.Submit(ctx, command)
}

// Clients that leave by themselves while others are drained are not drained again.
func TestClientsLeaveDuringDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{})
		var clients []*client
		for range 10 {
			c := s.connect("/", nil)
			c.send(identity("a"))
			clients = append(clients, c)
		}
		synctest.Wait()
		s.stop()
		synctest.Wait()
		for i, c := range clients {
			if i%2 == 0 {
				c.cut()
			} else {
				c.leave()
			}
		}
		s.shutDown()
		if n := len(s.events.about("connection ended")); n != len(clients) {
			t.Errorf("%d connections were logged, want %d", n, len(clients))
		}
	})
}

// When the listener fails Serve ends, with the error, and nothing is left of it.
func TestServeEndsWhenListenerFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{})
		a := s.connect("/", nil)
		idle := s.connectIdle("/")
		_ = s.network.Close()

		s.running = false
		if err := <-s.served; !errors.Is(err, net.ErrClosed) {
			t.Errorf("Serve: %v, want the listener's error", err)
		}
		_ = s.dir.Close()
		if e := a.ending(); e == nil || *e != restarting {
			t.Errorf("the client ended with %v, want %v", e, restarting)
		}
		if !idle.serverClosed() {
			t.Error("a connection without a session is still open")
		}
	})
}

// connectIdle opens a connection that asks for a page and then does nothing.
func (s *site) connectIdle(path string) *link {
	s.t.Helper()
	link, err := s.network.dial(context.Background())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(link.cut)
	if _, err := link.client.Write([]byte("GET " + path + " HTTP/1.1\r\nHost: " + siteHost + "\r\n\r\n")); err != nil {
		s.t.Fatal(err)
	}
	synctest.Wait()
	return link
}
