package server

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"

	"syncabled/protocol"
	"syncabled/revlog"
)

// read handles the messages of the client in order, one at a time, until the
// connection ends.
func (s *session) read(ctx, stop context.Context) error {
	for {
		frame, err := s.readFrame(ctx)
		if err != nil {
			return err
		}
		s.unfinished.Stop()
		if err := protect(func() error { return s.handle(ctx, stop, frame) }); err != nil {
			return err
		}
		if s.holding && s.subscribed {
			s.unfinished.Reset(s.server.config.HoldTimeout)
		}
	}
}

func (s *session) handle(ctx, stop context.Context, frame []byte) error {
	s.busy.Lock()
	defer s.busy.Unlock()
	if s.muted {
		return nil
	}
	s.received++
	msg, offence := protocol.Decode(frame, s.server.config.Limits)
	if offence == nil {
		offence = s.checkOrder(msg)
	}
	if offence != nil {
		return s.offend(ctx, websocket.StatusProtocolError, offence)
	}
	switch msg := msg.(type) {
	case protocol.ClientIdentity:
		return s.identify(ctx, msg)
	case protocol.Changes:
		return s.submit(ctx, msg)
	case protocol.Subscribe:
		s.subscribe(ctx, stop, msg)
	case protocol.Unknown:
		s.logger().Debug().Str("type", msg.Type).Msg("ignored a message of unknown type")
	}
	return nil
}

// checkOrder says what is wrong with a message at its place in the conversation.
func (s *session) checkOrder(msg protocol.Message) *protocol.Error {
	offence := func(text string) *protocol.Error { return &protocol.Error{Message: text} }
	switch msg := msg.(type) {
	case protocol.ClientIdentity:
		if s.identified {
			return offence("a second clientIdentity; it is sent once, as the first message of a connection")
		}
	case protocol.Changes:
		if !s.identified {
			return &protocol.Error{RequestID: msg.RequestID, Message: "changes before clientIdentity; it is the first message of a connection"}
		}
	case protocol.Subscribe:
		if !s.identified {
			return offence("subscribe before clientIdentity; it is the first message of a connection")
		}
		if s.subscribed {
			return offence("a second subscribe; it is sent once on a connection")
		}
	}
	return nil
}

// offend answers what is not the protocol. The client will be back with the same
// after some seconds, so only its first offence is logged.
func (s *session) offend(ctx context.Context, code websocket.StatusCode, offence *protocol.Error) error {
	who := s.identity
	if who == "" {
		who, _, _ = net.SplitHostPort(s.remote) // its next connection has another port
	}
	if s.server.offenders.allow(who) {
		s.logger().Warn().Str("client", s.identity).Str("error", offence.Message).Msg("client does not speak the protocol")
	}
	if err := s.write(ctx, protocol.AppendError(nil, offence)); err != nil {
		return err
	}
	return closing{code: code, reason: offence.Message}
}

// longestIdentity bounds what is taken for an identity that this server, or one
// that was here before it, gave a client.
const longestIdentity = 128

// identify takes the client's identity, or gives it one.
func (s *session) identify(ctx context.Context, msg protocol.ClientIdentity) error {
	s.identified = true
	s.identity = msg.Identity
	if s.identity == "" || len(s.identity) > longestIdentity {
		s.identity, s.isNew = uuid.NewString(), true
	}
	s.peer = s.db.peer(s.identity, s.isNew)
	s.stale = s.peer.takeOver(s)
	var err error
	if s.known, err = s.db.log.Knows(ctx, s.identity); err != nil {
		return failure(err)
	}
	if !s.isNew {
		return nil
	}
	return s.write(ctx, protocol.AppendIdentity(nil, s.identity))
}

// submit acknowledges a set when the log has it on disk.
func (s *session) submit(ctx context.Context, msg protocol.Changes) error {
	now := time.Now()
	s.lastSet.Store(now.UnixNano())
	_, err := s.db.log.Submit(ctx, revlog.Set{
		Client:  s.identity,
		Base:    msg.Base,
		Changes: msg.Changes,
		Refused: msg.Refused,
		Partial: msg.Partial,
		Time:    now,

		Connection: s.id,
		Stale:      s.stale,
	})
	if err != nil {
		return failure(err)
	}
	s.holding = msg.Partial
	if len(msg.Changes) > 0 {
		s.stale = false
	}
	s.submitted += len(msg.Changes)
	s.logRefused(msg.Refused)
	return s.write(ctx, protocol.AppendAck(nil, msg.RequestID))
}

// logRefused tells the operator of changes that were left out of a set.
func (s *session) logRefused(refusals []protocol.Refusal) {
	for _, r := range refusals {
		if s.server.offenders.allow(s.identity + r.Reason) {
			s.logger().Warn().Str("client", s.identity).Str("table", r.Table).Str("key", string(r.Key)).Str("reason", r.Reason).
				Msg("refused a change; it is kept for 'syncabled refused'")
		}
	}
}

// finishHeld commits what is held of a set that the client does not go on with.
// Clients can fail to send the rest until their user changes something else.
func (s *session) finishHeld(ctx context.Context) error {
	s.busy.Lock()
	defer s.busy.Unlock()
	if s.muted {
		return nil
	}
	_, err := s.db.log.Submit(ctx, revlog.Set{Client: s.identity, Time: time.Now(), Connection: s.id})
	return err
}

// subscribe starts the pushing. Its first message opens the client's app.
func (s *session) subscribe(ctx, stop context.Context, msg protocol.Subscribe) {
	s.subscribed = true
	s.pushing.Go(func() {
		switch err := protect(func() error { return s.push(ctx, stop, msg.Synced) }); {
		case stop.Err() != nil: // muted, or the session has ended
		case errors.Is(err, errGone):
			_ = s.conn.CloseNow() // ends the reading too
		default:
			s.close(failure(err))
		}
	})
}
