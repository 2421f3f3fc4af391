package server

import (
	"context"
	"errors"
	"time"

	"syncabled/server/socket"
)

// This file finds peers that are gone without a word. A peer is there if it sends
// something, answers a ping, or its system acknowledges what was sent before the ping.

// watch sees to it that a peer that is silent is asked now and then whether it is
// still there. There is no goroutine that waits for that.
func (s *session) watch(ctx context.Context) {
	s.alarms.set(s.server.config.PingInterval, func(ping *time.Timer) {
		s.checkPeer(ctx)
		ping.Reset(s.server.config.PingInterval)
	})
}

// checkPeer drops a peer that is silent and does not answer a ping, unless ctx is done
// before, and reports whether the peer may be there. It cannot be asked while a frame
// goes out to it, which has a timeout of its own, and need not answer while one comes
// in, or while nobody reads what it sends.
func (s *session) checkPeer(ctx context.Context) bool {
	if s.writing.Load() > 0 {
		return true
	}
	heard, answered, before := s.heard.Load(), s.link.answered.Load(), s.intake()
	deaf := s.reading.isDeaf()
	if s.ask(ctx, before) || deaf || s.reading.isDeaf() || ctx.Err() != nil || s.writing.Load() > 0 ||
		s.heard.Load() != heard || s.link.answered.Load() != answered || s.isSlow(before) {
		return true
	}
	s.mayStray()
	_ = s.conn.CloseNow() // nobody is there to be told why
	return false
}

// ask pings the client and reports whether it has answered in time. If there may be no
// room for the ping it only lets the time pass: the library breaks a connection that
// does not take one in 5 s.
func (s *session) ask(ctx context.Context, now intake) bool {
	if !now.isFull() {
		return s.ping(ctx, s.server.config.PingTimeout) == nil
	}
	select {
	case <-time.After(s.server.config.PingTimeout):
	case <-ctx.Done():
	}
	return false
}

// isSlow reports whether the system of a client that has not answered still has to
// acknowledge some of what was sent before it was asked, and has acknowledged some.
func (s *session) isSlow(before intake) bool {
	now := s.intake()
	return now.acknowledged > before.acknowledged && (before.isFull() || now.acknowledged <= before.sent)
}

// An intake is how many bytes were sent on a connection, and how many of them the
// client's system has acknowledged: all of them if it is not known.
type intake struct{ sent, acknowledged int64 }

func (s *session) intake() intake {
	sent := s.link.written.Load() + s.conn.Below()
	left, _ := socket.Unacknowledged(s.link.Conn)
	return intake{sent, sent - int64(left)}
}

// usualUnacknowledged is more than there is of a client that keeps up, and less than
// fills the system's buffer.
const usualUnacknowledged = 64 << 10

// isFull reports whether there may be no room for more.
func (i intake) isFull() bool { return i.sent-i.acknowledged >= usualUnacknowledged }

// ping waits for the client's answer to a ping: by then the client has received
// all that was sent before.
func (s *session) ping(ctx context.Context, timeout time.Duration) error {
	s.reading.hurry()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return s.conn.Ping(ctx)
}

// pingInTime pings with the timeout of a fence, in which the time does not count in which
// nobody reads because a message is being handled.
func (s *session) pingInTime() error {
	for {
		deaf := s.reading.isDeaf()
		err := s.ping(context.Background(), fenceTime)
		if !errors.Is(err, context.DeadlineExceeded) || !deaf && !s.reading.isDeaf() {
			return err
		}
	}
}

// answerPing answers a ping, in place of the library, which reports false. A client
// that sends too many waits.
func (s *session) answerPing(ctx context.Context, payload []byte) bool {
	if s.messages.Wait(ctx) != nil {
		return false
	}
	s.writing.Add(1)
	defer s.writing.Add(-1)
	_ = s.conn.Answer(payload) // the next one who sends something finds the error
	return false
}

// pieceMark is in pings that follow large pieces. Their answers say that a client on a
// slow line takes them in, which a proxy may hide.
const pieceMark = "piece"

// askFor asks the client to say when it has a piece.
func (s *session) askFor(piece []byte) error {
	if len(piece) < pieceBytes/2 {
		return nil
	}
	return s.conn.Ask(pieceMark)
}

// noteAnswer takes in the answer to a ping.
func (s *session) noteAnswer(_ context.Context, payload []byte) {
	if string(payload) == pieceMark {
		s.link.answered.Add(1)
	}
}
