package server

import (
	"context"
	"errors"
	"time"

	"syncabled/protocol"
	"syncabled/revlog"
)

// push sends the client what others changed, from the position on that it
// subscribes from. Waiting ends with stop, writing with ctx.
func (s *session) push(ctx, stop context.Context, position protocol.Revision) error {
	var frame []byte
	synced, before := position, s.pushed.Load()
	resync, lost := s.mayHold(position), false
	s.progress.begin(position)
	tables, err := s.announceTables(ctx, position)
	if err != nil {
		return err
	}
	if tables.AllAnew {
		resync, position = true, 0
	}
	query := revlog.Query{After: position, Anew: tables.Anew, Own: tables.AllAnew}
	if tables.Anew != nil {
		query.UpTo = tables.Head
	}
	for {
		if resync {
			position, err = s.pushWhole(ctx, query, lost, &frame)
		} else {
			position, err = s.pushBatch(ctx, stop, query, &frame)
		}
		lost = errors.Is(err, revlog.ErrAhead)
		switch {
		case lost: // it comes from another history: what it holds is of no use
			if !errors.As(err, new(*revlog.GapError)) {
				s.noteAhead()
			}
			resync, query = true, revlog.Query{}
		case err != nil:
			return err
		default:
			close(s.opened)
			s.progress.reached(position)
			if s.pushed.Load() > before {
				s.delivered(synced)
			}
			return s.pushOn(ctx, stop, position)
		}
	}
}

// pushOn sends the client what others change, from a position on. Each round sends
// one batch: all there is between the position and the head. A batch is sent even
// if it holds no changes, because the position counts too: it becomes the base
// of what the client changes next. At the head, the publisher goes on.
func (s *session) pushOn(ctx, stop context.Context, position protocol.Revision) error {
	var frame []byte
	for !s.restFeed(position) {
		if _, err := s.db.log.Wait(stop, position); err != nil {
			return err
		}
		s.progress.moved()
		var err error
		if position, err = s.pushBatch(ctx, stop, revlog.Query{After: position}, &frame); err != nil {
			return err
		}
		if cap(frame) > idleFrame {
			frame = nil
		}
		s.progress.reached(position)
	}
	return nil
}

// idleFrame is the largest buffer that a session keeps while it has nothing to send.
const idleFrame = 4 << 10

// mayHold reports whether a client that subscribes from a position may already
// hold some of what comes after it, and may have changed that since.
func (s *session) mayHold(position protocol.Revision) bool {
	return ruleResync && position < s.dispatched().position || s.upload.isDue
}

// pushWhole sends all objects that were touched after the position of a query as they are. It
// is announced to the log, which then knows what the client did before it got
// them.
func (s *session) pushWhole(ctx context.Context, query revlog.Query, clear bool, frame *[]byte) (protocol.Revision, error) {
	missing, ok, err := s.missing(ctx)
	if err != nil {
		return 0, err
	}
	own := clear || query.Own || !ok || s.peer.hasStrays() || s.peer.hasRivals()
	receipt, err := s.resync(ctx, revlog.Resync{Client: s.identity, Base: query.After, Own: own, Missing: missing, Time: s.server.config.Now()})
	if err != nil {
		return 0, err
	}
	// The client first has to let go of what it holds of a batch that was cut, or
	// it would apply that together with what comes now.
	letGo := protocol.AppendChanges(nil, nil, query.After, false)
	if clear {
		letGo = protocol.AppendClear(nil)
	}
	if ruleLetGo || clear {
		if err := s.write(letGo); err != nil {
			return 0, err
		}
	}
	query.UpTo, query.Snapshot, query.Own = receipt.Head, true, own
	return s.pushBatch(ctx, ctx, query, frame)
}

// A repair waits until the client has sent nothing for quietTime, so that it does
// not run over somebody who is typing, but no longer than patience.
const (
	quietTime = 500 * time.Millisecond
	patience  = 5 * time.Second
)

func (s *session) awaitQuiet(stop context.Context) error {
	for start := time.Now(); time.Since(start) < patience; {
		rest := quietTime - moment(s.lastSet.Load()).age()
		if rest <= 0 {
			return nil
		}
		select {
		case <-time.After(rest):
		case <-stop.Done():
			return stop.Err()
		}
	}
	return nil
}
