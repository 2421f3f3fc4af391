package server

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/coder/websocket"

	"syncabled/protocol"
)

// One goroutine reads the messages of a connection and handles them. While it handles
// one for longer than readOnAfter, or somebody waits for the answer to a ping, another
// goroutine reads on: the library handles control frames only where somebody reads.
// What comes is kept until it is its turn. When the first goroutine has handled all of
// that it ends, and the other one, which may wait for the client by then, does both. So a
// connection at rest has one goroutine.

const (
	readOnAfter = time.Second

	// mostUnhandled is how many messages are read while one is handled. A client begins with
	// three, and then sends one at a time.
	mostUnhandled = 2
)

// A reading is who reads a connection, and what was read ahead.
type reading struct {
	mu       sync.Mutex
	handling bool          // a goroutine handles messages
	timer    *time.Timer   // has another one read on; nil before the first message
	other    chan struct{} // closed when the other one does not read any more; nil if there is none
	ahead    []arrival     // at most mostUnhandled
	ended    bool
}

// An arrival is a message that was read, or the error that ended the reading.
type arrival struct {
	message *letter
	err     error
}

// A life is how long parts of a session last.
type life struct {
	session context.Context
	pushing context.Context
	end     context.CancelFunc // of the session
}

// converse reads messages and handles them, in order and one at a time, until the
// connection ends, or errHandedOver says that another goroutine goes on. The first one may
// have been read. At rest it waits in readMessage, with a small stack.
func (s *session) converse(l *life, read arrival) error {
	for {
		if read.isNone() {
			read.message, read.err = s.readMessage()
		}
		if err := s.handleNext(l, read); err != nil {
			return err
		}
		var err error
		if read, err = s.reading.next(); err != nil {
			return err
		}
	}
}

// handleNext handles the message that is next, and has another goroutine read on if that
// takes long.
func (s *session) handleNext(l *life, read arrival) error {
	if read.err != nil {
		return s.readingFailed(read.err)
	}
	if s.end.Load() != nil { // what comes after a close is not for anybody
		read.drop()
		return net.ErrClosed
	}
	s.beginHandling(l)
	s.rest.arrives()
	if err := s.handle(l, read.message); err != nil {
		return err
	}
	if s.holding && s.subscribed && !s.composed.open {
		s.awaitRest(l.session)
	}
	return nil
}

// errHandedOver says that another goroutine goes on with a session.
var errHandedOver = errors.New("another goroutine goes on")

// next returns what was read ahead, none if nothing was. If another goroutine reads, what
// comes next is for that one.
func (r *reading) next() (arrival, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.ahead) > 0 {
		next := r.ahead[0]
		r.ahead = r.ahead[1:]
		return next, nil
	}
	r.handling, r.ahead = false, nil
	r.timer.Stop()
	if r.other != nil {
		return arrival{}, errHandedOver
	}
	return arrival{}, nil
}

func (a arrival) isNone() bool { return a.message == nil && a.err == nil }

// drop drops a message that is not handled.
func (a arrival) drop() {
	if a.message != nil {
		a.message.drop()
	}
}

// beginHandling sees to it that another goroutine reads on if a message takes long.
func (s *session) beginHandling(l *life) {
	r := &s.reading
	r.mu.Lock()
	defer r.mu.Unlock()
	r.handling = true
	switch {
	case r.other != nil:
	case r.timer != nil:
		r.timer.Reset(readOnAfter)
	default:
		r.timer = time.AfterFunc(readOnAfter, func() { s.readOn(l) })
	}
}

// readOn reads messages while another goroutine handles one. It goes on alone if that one
// has handled all others.
func (s *session) readOn(l *life) {
	if !s.reading.begin() {
		return
	}
	for {
		var next arrival
		err := protect(func() (err error) {
			next.message, err = s.readMessage()
			return err
		})
		next.err = err
		more, alone := s.reading.keep(next)
		if alone {
			s.goOn(l, next)
		}
		if !more {
			return
		}
	}
}

// begin reports whether another goroutine is to read.
func (r *reading) begin() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended || !r.handling || r.other != nil || r.isFull() {
		return false
	}
	r.other = make(chan struct{})
	return true
}

// isFull reports whether nothing more can be read. The caller holds mu.
func (r *reading) isFull() bool {
	n := len(r.ahead)
	return n >= mostUnhandled || n > 0 && r.ahead[n-1].err != nil
}

// keep keeps what was read for the goroutine that handles messages, and reports whether
// there is room for more, or whether there is no such goroutine any more.
func (r *reading) keep(next arrival) (more, alone bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if alone = !r.handling; !alone {
		r.ahead = append(r.ahead, next)
	}
	if more = !alone && !r.isFull(); !more {
		close(r.other)
		r.other = nil
	}
	return more, alone
}

// hurry has the answer to a ping read at once, even if a message is being handled.
func (r *reading) hurry() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.handling && r.other == nil && !r.isFull() && !r.ended {
		r.timer.Reset(0)
	}
}

// isDeaf reports whether nobody reads because of all that is to be handled first. Then it
// means nothing that a ping is not answered.
func (r *reading) isDeaf() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.handling && r.isFull()
}

// stop ends the reading of a connection that is closed.
func (r *reading) stop() {
	r.mu.Lock()
	r.ended = true
	if r.timer != nil {
		r.timer.Stop()
	}
	other := r.other
	r.mu.Unlock()
	if other != nil {
		<-other
	}
	for _, a := range r.ahead {
		a.drop()
	}
}

// readingFailed returns why a session ends whose reading has failed, and tells the client
// of what only looks like a message.
func (s *session) readingFailed(err error) error {
	if !errors.Is(err, errBinary) {
		return err
	}
	answer, err := s.offend(websocket.StatusUnsupportedData, &protocol.Error{Message: errBinary.Error()})
	return errors.Join(s.write(answer), err)
}
