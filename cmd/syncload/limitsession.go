package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"github.com/coder/websocket"

	"syncabled/protocol"
	"syncabled/server/socket"
)

type connectionKey struct{}

// withConnection lets the handler know the connection of its request.
func withConnection(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, conn)
}

// ServeHTTP starts a session.
func (s *limitServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	below, _ := r.Context().Value(connectionKey{}).(net.Conn)
	conn, err := socket.Accept(w, r, below, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return // Accept has answered
	}
	session := &limitSession{server: s, conn: conn}
	s.running.Go(session.run)
}

type limitSession struct {
	server     *limitServer
	conn       *socket.Conn
	pushing    sync.WaitGroup
	subscribed bool // owned by the reading side

	// Guarded by server.mu. Whoever makes a session busy may write to its
	// position.
	position int // of the client
	busy     bool
}

// run reads until the connection ends.
func (s *limitSession) run() {
	ctx, cancel := context.WithCancel(s.server.ctx)
	stop := context.AfterFunc(ctx, func() { _ = s.conn.CloseNow() })
	defer stop()
	_ = s.read(ctx) // a client that leaves is no error
	s.server.mu.Lock()
	delete(s.server.sessions, s)
	s.busy = true
	s.server.mu.Unlock()
	cancel()
	_ = s.conn.CloseNow()
	s.pushing.Wait()
}

func (s *limitSession) read(ctx context.Context) error {
	s.conn.SetReadLimit(-1)
	limits := protocol.Limits{}.WithDefaults()
	for {
		_, frame, err := s.conn.Read(context.Background())
		if err != nil {
			return err
		}
		m, wrong := protocol.Decode(frame, limits)
		if wrong != nil {
			return wrong
		}
		switch m := m.(type) {
		case protocol.ClientIdentity:
			if m.Identity == "" {
				err = s.conn.Write(protocol.AppendIdentity(nil, fmt.Sprintf("%p", s)))
			}
		case protocol.Changes:
			err = s.submit(ctx, m)
		case protocol.Subscribe:
			if s.subscribed {
				return fmt.Errorf("second subscribe")
			}
			s.subscribed = true
			s.subscribe(ctx, int(m.Synced))
		}
		if err != nil {
			return err
		}
	}
}

func (s *limitSession) submit(ctx context.Context, m protocol.Changes) error {
	held := s.hold()
	if len(m.Changes) > 0 {
		set := &limitSet{source: s, done: make(chan struct{})}
		for i, change := range m.Changes {
			if i > 0 {
				set.changes = append(set.changes, ',')
			}
			set.changes = protocol.AppendChange(set.changes, change)
		}
		select {
		case s.server.queue <- set:
		case <-ctx.Done():
			return ctx.Err()
		}
		select {
		case <-set.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	frames := socket.AppendFrame(nil, protocol.AppendAck(nil, m.RequestID))
	if !held {
		return s.conn.WriteFrames(frames)
	}
	return s.catchUp(frames)
}

// hold makes the session busy, if it has subscribed and is not.
func (s *limitSession) hold() bool {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	if _, subscribed := s.server.sessions[s]; !subscribed || s.busy {
		return false
	}
	s.busy = true
	return true
}

// catchUp sends frames, and what follows the session's position, until there is
// no more. The session is busy, and is not when catchUp returns.
func (s *limitSession) catchUp(frames []byte) error {
	for {
		sets, _ := s.server.after(s.position)
		s.position += len(sets)
		if message := appendSets(nil, sets, s, s.position); message != nil {
			frames = socket.AppendFrame(frames, message)
		}
		if err := s.conn.WriteFrames(frames); err != nil {
			return err
		}
		if s.release() {
			return nil
		}
		frames = nil
	}
}

// release lets broadcast write to the session again, unless the session is behind
// it.
func (s *limitSession) release() bool {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	if s.position < s.server.shared {
		return false
	}
	s.busy = false
	return true
}

// subscribe answers with what follows a position, and has broadcast go on.
func (s *limitSession) subscribe(ctx context.Context, position int) {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.position, s.busy = position, true
	s.server.sessions[s] = struct{}{}
	s.pushing.Go(func() {
		sets, _ := s.server.after(s.position)
		s.position += len(sets)
		message := appendSets(nil, sets, s, s.position)
		if message == nil {
			message = protocol.AppendChanges(nil, nil, protocol.Revision(s.position), false)
		}
		_ = s.catchUp(socket.AppendFrame(nil, message)) // fails with the connection
	})
}

// appendSets appends a message of the sets that are of others, if there are any.
func appendSets(message []byte, sets []*limitSet, reader *limitSession, position int) []byte {
	for _, set := range sets {
		switch {
		case set.source == reader:
			continue
		case message == nil:
			message = protocol.BeginChanges(nil)
		default:
			message = append(message, ',')
		}
		message = append(message, set.changes...)
	}
	if message == nil {
		return nil
	}
	message = append(message, `],"currentRevision":`...)
	message = strconv.AppendInt(message, int64(position), 10)
	return append(message, `,"partial":false}`...)
}

// broadcast sends what is new to all sessions that are not busy, until the server
// ends.
func (s *limitServer) broadcast() {
	for position := 0; s.ctx.Err() == nil; {
		sets, more := s.after(position)
		if len(sets) == 0 {
			select {
			case <-more:
			case <-s.ctx.Done():
			}
			continue
		}
		to := position + len(sets)
		frame := socket.AppendFrame(nil, appendSets(nil, sets, nil, to))
		for _, session := range s.take(position, to) {
			session.offer(sets, frame, to)
		}
		position = to
	}
}

// take makes those sessions busy that are at a position and were not, and moves the
// position that is shared.
func (s *limitServer) take(position, to int) []*limitSession {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shared = to
	var taken []*limitSession
	for session := range s.sessions {
		if !session.busy && session.position < to {
			session.busy = true
			taken = append(taken, session)
		}
	}
	return taken
}

// offer sends a session that was taken the frame of sets, without waiting if it is
// the right one.
func (s *limitSession) offer(sets []*limitSet, frame []byte, to int) {
	own := slices.ContainsFunc(sets, func(set *limitSet) bool { return set.source == s })
	sent := false
	if s.position == to-len(sets) && !own {
		received := s.conn.Offer(frame)
		if received != socket.Busy {
			s.position = to
		}
		sent = received == socket.Sent
	}
	if !sent || !s.release() {
		s.server.mu.Lock()
		defer s.server.mu.Unlock()
		if _, here := s.server.sessions[s]; here {
			s.pushing.Go(func() { _ = s.catchUp(nil) }) // fails with the connection
		}
	}
}
