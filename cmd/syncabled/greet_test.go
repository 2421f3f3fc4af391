package main

import (
	"net"
	"strings"
	"testing"
)

func TestReachable(t *testing.T) {
	for listening, want := range map[string]string{
		"127.0.0.1:8080": "127.0.0.1:8080",
		"192.0.2.1:80":   "192.0.2.1:80",
		"[::1]:8080":     "[::1]:8080",
		"0.0.0.0:8080":   "localhost:8080",
		"[::]:8080":      "localhost:8080",
	} {
		addr, err := net.ResolveTCPAddr("tcp", listening)
		if err != nil {
			t.Fatal(err)
		}
		if got := reachable(addr); got != want {
			t.Errorf("a server on %s is reachable at %s, not %s", listening, want, got)
		}
	}
}

func TestBanner(t *testing.T) {
	c := serveCommand{Data: "/srv/data", Static: "/srv/app"}
	got := c.banner("localhost:8080", []head{{"default", 12}, {"todos", 0}}, 5)
	want := `
  Syncabled dev

  sync   ws://localhost:8080/db/NAME
  pages  http://localhost:8080/ from /srv/app
  open   to everybody who reaches it: there is no authentication
  data   /srv/data
         default at revision 12
         todos at revision 0
         and 3 more

  Ctrl-C ends it.

`
	if got != want {
		t.Errorf("got:\n%s", strings.ReplaceAll(got, " ", "·"))
	}
}
