package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/sync/errgroup"
)

var (
	manySessions = flag.Int("sessions", 100, "how many sessions TestManySessions opens; with 5000, give it -timed too")
	timed        = flag.Bool("timed", false, "TestManySessions fails if pages take more than 300 ms, or the drain is uneven")
)

// TestManySessions opens many sessions of the real program, looks at them the way
// operators do, and has the program end.
//
//	go test ./cmd/syncabled -run ManySessions -v -sessions 5000 -timed
func TestManySessions(t *testing.T) {
	const drainTime = 10 * time.Second
	drain := time.Second
	if *timed {
		drain = drainTime
	}
	p, addr := serve(t, t.TempDir(), "--admin", "127.0.0.1:0", "--drain-timeout", drain.String())
	operators, err := p.output.await(`"url":"(http://[^"]+)/".*listening for operators`)
	if err != nil {
		t.Fatal(err)
	}
	clients := dialMany(t, addr, *manySessions)
	for _, page := range []string{"/status", "/metrics"} {
		var took []time.Duration
		for range 10 {
			start := time.Now()
			body := fetch(t, operators[1]+page)
			took = append(took, time.Since(start))
			checkPage(t, page, body)
		}
		slices.Sort(took)
		t.Logf("%s with %d sessions: median %v, longest %v", page, *manySessions, took[len(took)/2], took[len(took)-1])
		if longest := took[len(took)-1]; *timed && longest > 300*time.Millisecond {
			t.Errorf("%s took %v", page, longest)
		}
	}
	started := time.Now()
	closed := closings(clients)
	stop(t, p)
	t.Logf("the drain took %v", time.Since(started))
	checkDrain(t, started, drain, closed)
}

func dialMany(t *testing.T, addr string, many int) []*client {
	t.Helper()
	clients := make([]*client, many)
	var dialling errgroup.Group
	dialling.SetLimit(50)
	for i := range clients {
		dialling.Go(func() (err error) {
			clients[i], err = dial(addr, "/")
			return err
		})
	}
	err := dialling.Wait()
	for _, c := range clients {
		if c != nil {
			t.Cleanup(func() { _ = c.conn.CloseNow() })
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return clients
}

func fetch(t *testing.T, url string) []byte {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", url, response.Status, err)
	}
	return body
}

// checkPage looks for all sessions on a page.
func checkPage(t *testing.T, page string, body []byte) {
	t.Helper()
	if page == "/metrics" {
		if line := fmt.Sprintf("\nsyncabled_sessions %d\n", *manySessions); !strings.Contains(string(body), line) {
			t.Errorf("the metrics have no line %q", line)
		}
		return
	}
	var status struct {
		Sessions []struct{ Position *int }
	}
	if err := json.Unmarshal(body, &status); err != nil || len(status.Sessions) != *manySessions {
		t.Errorf("the status has %d sessions, %v", len(status.Sessions), err)
	}
	for _, s := range status.Sessions {
		if s.Position == nil {
			t.Fatal("a session that has subscribed has no position")
		}
	}
}

// A closed is how and when a connection was closed.
type closed struct {
	code websocket.StatusCode
	at   time.Time
}

// closings returns, one after the other, how clients are closed.
func closings(clients []*client) <-chan closed {
	all := make(chan closed, len(clients))
	for _, c := range clients {
		go func() {
			<-c.ended // at the latest when the test ends
			all <- closed{websocket.CloseStatus(c.err), time.Now()}
		}()
	}
	return all
}

// checkDrain sees to it that all were closed for a restart, and, of 5,000, in each
// tenth of the time as many.
func checkDrain(t *testing.T, started time.Time, drain time.Duration, all <-chan closed) {
	t.Helper()
	var tenths [11]int // the last is what came later
	for range cap(all) {
		c := <-all
		if c.code != websocket.StatusServiceRestart {
			t.Errorf("a client was closed with %d", c.code)
		}
		tenths[min(max(0, int(10*c.at.Sub(started)/drain)), 10)]++
	}
	t.Logf("closed in each tenth of the time, and later: %v", tenths)
	for i, n := range tenths[:10] {
		if even := cap(all) / 10; *timed && (n < even*8/10 || n > even*12/10) {
			t.Errorf("%d were closed in tenth %d, want about %d", n, i, even)
		}
	}
}
