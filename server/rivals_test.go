package server_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"syncabled/server"
)

// enter connects a client that has an identity and nothing to say yet.
func (s *site) enter(name string, header http.Header) *client {
	c := s.connect("/", header)
	c.send(identity(name), changes(1), subscribe(0))
	c.received()
	return c
}

var (
	anotherSpeaks = ending{1012, "another connection speaks for this client"}
	anotherDevice = ending{1008, "another device uses this identity; see 'Two devices with one identity' in the handbook"}
)

// expectRivals fails the test unless so many identities were found that two devices
// use.
func (s *site) expectRivals(n int) {
	s.t.Helper()
	if counted := s.server.Counts().IdentityConflicts; counted != int64(n) {
		s.t.Errorf("%d identities of two devices are counted, want %d", counted, n)
	}
	if logged := s.events.about("two devices use one identity"); len(logged) != n {
		s.t.Errorf("logged %v, want %d", logged, n)
	}
}

// Two devices that both write are told apart, and of each identity there is one
// warning, with both addresses.
func TestTwoDevicesAreLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{})
		devices := [2]*client{s.enter("a", nil), s.enter("a", nil)}
		sets, refused := 0, 0
		for range 40 {
			for i := range devices {
				time.Sleep(5 * time.Second)
				if ended := devices[i].ending(); ended != nil {
					if *ended == anotherDevice {
						refused++
					} else if *ended != anotherSpeaks {
						t.Errorf("closed with %v", ended)
					}
					devices[i] = s.enter("a", nil)
				}
				sets++
				devices[i].send(changes(sets+1, object(fmt.Sprint("k", sets), 1)))
			}
		}
		s.expectRivals(1)
		if refused < 20 {
			t.Errorf("one of them was refused %d times", refused)
		}
		warning := s.events.about("two devices use one identity")[0]
		if warning["level"] != "warn" || warning["client"] != "a" || warning["database"] != "default" || warning["remote"] == warning["other"] || warning["other"] == "" {
			t.Errorf("warning: %v", warning)
		}
	})
}

// Devices that write at once, and come back at once, are told apart as well.
func TestTwoHastyDevices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{})
		devices := [2]*client{s.enter("a", nil), s.enter("a", nil)}
		for set := range 1000 {
			time.Sleep(50 * time.Millisecond)
			i := set % 2
			if devices[i].ending() != nil {
				devices[i] = s.enter("a", nil)
			}
			devices[i].send(changes(set+2, object(fmt.Sprint("k", set), 1)))
		}
		s.expectRivals(1)
	})
}

// A window that sleeps keeps its connection. Pages that are reloaded beside it, and are
// late because it is sent what others change, are no other device.
func TestReloadsBesideWindowThatSleeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{})
		window, other := s.enter("a", nil), s.enter("b", nil)
		for visit := range 20 {
			time.Sleep(5 * time.Second)
			page := s.connect("/", nil)
			time.Sleep(100 * time.Millisecond)
			other.send(changes(2+visit, object(fmt.Sprint("k", visit), 1)))
			window.received()
			page.send(identity("a"), changes(1), subscribe(0))
			time.Sleep(3 * time.Second)
			if ended := page.ending(); ended != nil {
				t.Fatalf("visit %d: closed with %v", visit, ended)
			}
			page.leave()
		}
		s.expectRivals(0)
	})
}

// A device that is late would wait for its first answer without end.
func TestSilentDeviceIsToldApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{})
		phone := s.enter("a", nil)
		late := func() *client {
			time.Sleep(5 * time.Second)
			phone.send(changes(2, object(fmt.Sprint(time.Now()), 1)))
			phone.received()
			time.Sleep(200 * time.Millisecond)
			return s.enter("a", nil)
		}
		for range 2 {
			c := late()
			time.Sleep(9 * time.Second)
			if !c.isOpen() {
				t.Fatalf("closed with %v at once", c.ending())
			}
			time.Sleep(2 * time.Second)
			c.expectEnding(anotherSpeaks)
		}
		late().expectEnding(anotherDevice)
		s.expectRivals(1)
		if !phone.isOpen() {
			t.Error("the other device is closed")
		}

		// The copy has its turn when the phone is gone.
		phone.leave()
		time.Sleep(5 * time.Second)
		if c := s.enter("a", nil); !c.isOpen() {
			t.Errorf("closed with %v", c.ending())
		}
	})
}

// A device that only reads is found by its address.
func TestDeviceThatReadsIsToldApart(t *testing.T) {
	from := func(host string) http.Header { return http.Header{"X-Forwarded-For": {host}} }
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{TrustProxy: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
		phone := s.enter("a", from("198.51.100.1"))
		copied := s.enter("a", from("203.0.113.9"))
		time.Sleep(11 * time.Second)
		phone.expectEnding(anotherSpeaks)
		time.Sleep(5 * time.Second)
		phone = s.enter("a", from("198.51.100.1"))
		time.Sleep(11 * time.Second)
		copied.expectEnding(anotherSpeaks)
		time.Sleep(5 * time.Second)
		s.enter("a", from("203.0.113.9")).expectEnding(anotherDevice)
		s.expectRivals(1)
		if warning := s.events.about("two devices")[0]; warning["remote"] != "203.0.113.9" || warning["other"] != "198.51.100.1" {
			t.Errorf("warning: %v", warning)
		}
		if !phone.isOpen() {
			t.Error("the other device is closed")
		}
	})
}

// One client with two connections sends every set on both, and is left alone, however
// long that lasts and however often it happens.
func TestTwoConnectionsOfOneClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{})
		request, sets := 1, 0
		for range 10 { // outages
			both := []*client{s.enter("a", nil), s.enter("a", nil)}
			for range 20 {
				time.Sleep(20 * time.Second)
				request, sets = request+1, sets+1
				for _, c := range both {
					c.send(changes(request, object(fmt.Sprint("k", sets), 1)))
					c.received()
					time.Sleep(100 * time.Millisecond)
				}
			}
			for _, c := range both {
				if !c.isOpen() {
					t.Fatalf("closed with %v", c.ending())
				}
				c.cut()
			}
			time.Sleep(5 * time.Second)
		}
		s.expectRivals(0)
	})
}

// One client whose second connection is closed closes the other one, too, and has two
// again. That is not tried again soon.
func TestClientIsTestedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{})
		closed := 0
		for i := range 200 {
			old, young := s.enter("a", nil), s.enter("a", nil)
			old.send(changes(2, object(fmt.Sprint("k", i), 1))) // which the other one does not send
			time.Sleep(15 * time.Second)
			if ended := old.ending(); ended != nil {
				closed++
				old.expectEnding(anotherSpeaks)
			}
			old.cut()
			young.leave()
			time.Sleep(5 * time.Second)
		}
		if closed != 2 { // of 66 minutes
			t.Errorf("it was closed %d times", closed)
		}
		s.expectRivals(0)
	})
}

// Two devices that no longer meet are no news after a while.
func TestRivalsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{})
		speaker := s.enter("a", nil)
		for i := range 2 {
			old := speaker
			speaker = s.enter("a", nil)
			time.Sleep(5 * time.Second)
			old.send(changes(2, object(fmt.Sprint("k", i), 1)))
			time.Sleep(5 * time.Second)
			old.expectEnding(anotherSpeaks)
		}
		s.enter("a", nil).expectEnding(anotherDevice)
		time.Sleep(11 * time.Minute)
		if c := s.enter("a", nil); !c.isOpen() {
			t.Errorf("closed with %v", c.ending())
		}
		s.expectRivals(1)
	})
}

// After an outage many clients have two connections. They are not all closed at once.
func TestTestsAreSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{})
		var old []*client
		for i := range 30 {
			name := fmt.Sprint("client", i)
			old = append(old, s.enter(name, nil))
			s.enter(name, nil)
		}
		time.Sleep(5 * time.Second)
		for _, c := range old {
			c.send(changes(2, object("k", 1)))
		}
		closed := func() (n int) {
			for _, c := range old {
				if c.ending() != nil {
					n++
				}
			}
			return n
		}
		time.Sleep(5 * time.Second)
		if n := closed(); n != 10 {
			t.Errorf("%d of 30 are closed, want 10", n)
		}
		time.Sleep(time.Minute)
		if n := closed(); n != 30 {
			t.Errorf("%d of 30 are closed after a minute", n)
		}
	})
}
