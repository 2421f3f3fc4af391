package server_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"syncabled/server"
)

// visit connects a client, which says some things and leaves.
func (s *site) visit(path string, frames ...string) {
	c := s.connect(path, nil)
	c.send(frames...)
	c.received()
	c.cut()
}

func (s *site) stuckClients() []string {
	var all []string
	for _, e := range s.events.about("a client does not apply what it is sent") {
		all = append(all, fmt.Sprint(e["level"], " ", e["database"], " ", e["client"], " ", e["position"]))
	}
	return all
}

// A client that comes back for the same position again and again is told of once.
func TestStuckClientIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{})
		s.visit("/db/notes", identity("writer"), changes(1, object("k", 1)))
		for i := range 20 {
			if i == 4 && len(s.stuckClients()) > 0 {
				t.Error("it was told of after four times")
			}
			s.visit("/db/notes", identity("a"), changes(1), subscribe(0))
			time.Sleep(2 * time.Minute)
		}
		if diff := cmp.Diff([]string{"warn notes a 0"}, s.stuckClients()); diff != "" {
			t.Errorf("logged (-want +got):\n%s", diff)
		}
	})
}

// Who comes back often for a reason is not told of.
func TestClientsThatAreNotStuck(t *testing.T) {
	const minute = time.Minute
	for name, visit := range map[string]func(s *site, i int){
		"at the head": func(s *site, i int) {
			s.visit("/", identity("a"), changes(1), subscribe(40))
		},
		"going forward": func(s *site, i int) {
			s.visit("/", identity("a"), changes(1), subscribe(i))
		},
		"writing": func(s *site, i int) {
			s.visit("/", identity("a"), changes(1, object("k", i)), subscribe(0))
		},
		"with other tables": func(s *site, i int) {
			s.visit("/?tables=other", identity("a"), changes(1), subscribe(0))
		},
		"seldom": func(s *site, i int) {
			time.Sleep(2 * minute)
			s.visit("/", identity("a"), changes(1), subscribe(0))
		},
		"new each time": func(s *site, i int) {
			s.visit("/", identity(""), changes(1), subscribe(0))
		},
		"cut off each time": func(s *site, i int) {
			c := s.connect("/", nil)
			c.link.hold(true)
			c.send(identity("a"), changes(1), subscribe(0))
			time.Sleep(time.Second)
			c.cut()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := startSite(t, server.Config{})
				var objects []string
				for i := range 40 {
					objects = append(objects, object(fmt.Sprint(i), 4<<10)) // more than is on its way at once
				}
				s.visit("/", identity("writer"), changes(1, objects...))
				for i := range 12 {
					visit(s, i)
					time.Sleep(minute)
				}
				if stuck := s.stuckClients(); len(stuck) > 0 {
					t.Errorf("logged %v", stuck)
				}
			})
		})
	}
}
