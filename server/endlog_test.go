package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

// runEndLog runs an endLog in a bubble. The function that it returns ends it and
// returns what it logged.
func runEndLog() (l *endLog, end func() string) {
	var out bytes.Buffer
	l = newEndLog(zerolog.New(&out))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); l.run(ctx) }()
	return l, func() string {
		cancel()
		<-done
		return out.String()
	}
}

// One address that connects as fast as it can fills no disk, and others are logged
// all the same.
func TestEndsOfOneAddressAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, end := runEndLog()
		logged := 0
		for range 60 * 1000 { // a minute
			if l.allow("a", nil) {
				logged++
			}
			time.Sleep(time.Millisecond)
		}
		if want := addressEndsAtOnce + 60; logged < want-1 || logged > want+1 {
			t.Errorf("%d of one address were logged, want %d", logged, want)
		}
		if !l.allow("b", nil) {
			t.Error("another address was left out")
		}
		lines := strings.Count(end(), `"message":"connection events left out: `)
		if lines < 5 || lines > 7 {
			t.Errorf("what was left out was logged %d times, want about 6", lines)
		}
	})
}

// All clients of a large server end at once, and each leaves its event. Many more
// do not, and then their number is logged, every one of them counted.
func TestEndsOfManyAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, end := runEndLog()
		logged := 0
		const all = endsAtOnce + 500
		for i := range all {
			if l.allow(fmt.Sprint(i%5000), nil) {
				logged++
			}
		}
		if logged != endsAtOnce {
			t.Errorf("%d were logged, want %d", logged, endsAtOnce)
		}
		if len(l.byAddress) > mostEndAddresses {
			t.Errorf("%d addresses are known", len(l.byAddress))
		}
		if got := end(); got != `{"level":"info","count":500,"message":"connection events left out: too many connections end"}`+"\n" {
			t.Errorf("logged %s", got)
		}
	})
}

// Errors of this side do not get lost among the ends of others, and if there are too
// many of them, that is an error too.
func TestFailuresAreNotLeftOutInSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, end := runEndLog()
		for range 2 * endsAtOnce {
			l.allow("a", nil)
		}
		logged := 0
		for i := range failuresAtOnce + 7 {
			if l.allow("a", fmt.Errorf("error %d: %w", i, errors.ErrUnsupported)) {
				logged++
			}
		}
		if logged != failuresAtOnce {
			t.Errorf("%d failures were logged, want %d", logged, failuresAtOnce)
		}
		time.Sleep(leftOutDelay)
		const want = `{"level":"error","error":"error 1006: unsupported operation","count":7,"message":"connection errors left out: `
		if got := end(); !strings.Contains(got, want) {
			t.Errorf("logged %s", got)
		}
	})
}
