package server_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/server"
)

// A largeLog commits no set of many changes before its disk is ready.
type largeLog struct {
	revlog.Log
	disk slowDisk
}

func (l largeLog) Submit(ctx context.Context, command revlog.Command) (revlog.Receipt, error) {
	if set, ok := command.(revlog.Set); ok && len(set.Changes) > 1 {
		<-l.disk
	}
	return l.Log.Submit(ctx, command)
}

// Large messages wait for memory. One that is less large does not wait for them.
func TestMessageDoesNotWaitForLargerOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, server.Config{Limits: protocol.Limits{FrameBytes: 2 << 20}})
		disk := newSlowDisk()
		s.wrapLog = func(log revlog.Log) revlog.Log { return largeLog{log, disk} }
		s.start()
		var large []*client
		for _, name := range []string{"a", "b"} {
			c := s.connect("/", nil)
			c.send(identity(name), changes(1, append(objectsOf(1), objectsOf(1)[:8]...)...))
			large = append(large, c)
		}
		time.Sleep(time.Minute)
		c := s.connect("/", nil)
		c.send(identity("c"), changes(1, object("k", 100_000)))
		c.expect(firstAck)
		close(disk)
		for _, c := range large {
			c.expect(firstAck)
		}
	})
}
