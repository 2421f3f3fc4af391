package server

import (
	"context"
	"errors"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/time/rate"

	"syncabled/protocol"
	"syncabled/revlog"
)

// handle handles a message and sends the answer, which may come with an error.
func (s *session) handle(l *life, message *letter) error {
	if err := message.open(l.session); err != nil {
		return err
	}
	s.busy.Lock()
	defer s.busy.Unlock()
	var answer []byte
	err := protect(func() (err error) {
		defer message.release() // before the client takes its time with the answer
		s.atWork.Store(true)
		defer s.atWork.Store(false)
		answer, err = s.answer(l.session, l.pushing, message.text)
		return err
	})
	if err == nil { // else the log may still have a set of the message
		message.reuse()
	}
	if len(answer) == 0 {
		return err
	}
	return errors.Join(s.reply(l.session, answer), err)
}

// answer does what a message asks for and returns what to answer, if anything.
func (s *session) answer(ctx, stop context.Context, text []byte) ([]byte, error) {
	if !s.messages.Allow() {
		return nil, closing{code: websocket.StatusPolicyViolation, reason: tooManyMessages}
	}
	if s.muted && !s.late {
		s.overhear(text)
		return nil, nil
	}
	s.received++
	s.server.counts.messagesReceived.Add(1)
	msg, offence := protocol.Decode(text, s.server.config.Limits)
	if offence == nil {
		offence = s.checkOrder(msg)
	}
	switch {
	case offence == nil:
	case offence.TooLarge:
		return nil, closing{code: websocket.StatusMessageTooBig, reason: offence.Message}
	default:
		return s.offend(websocket.StatusProtocolError, offence)
	}
	if s.late {
		return s.answerLate(msg), nil
	}
	switch msg := msg.(type) {
	case protocol.ClientIdentity:
		return s.identify(ctx, msg)
	case protocol.Changes:
		return s.submit(msg)
	case protocol.Subscribe:
		s.subscribe(ctx, stop, msg)
	case protocol.Unknown:
		s.logger().Debug().Str("type", msg.Type).Msg("ignored a message of unknown type")
	}
	return nil, nil
}

// answerLate answers nothing but subscribe, which opens the app and leaves the
// client where it is.
func (s *session) answerLate(msg protocol.Message) []byte {
	switch msg := msg.(type) {
	case protocol.Changes:
		if len(msg.Changes) > 0 {
			s.peer.expectSet(s)
		}
	case protocol.Subscribe:
		s.subscribed = true
		return protocol.AppendChanges(nil, nil, msg.Synced, false)
	}
	return nil
}

const tooManyMessages = "too many messages a second; wait for the acknowledgement of one set before sending the next"

// fewMessages is what any client may send at once: it begins with three.
const fewMessages = 10

// newMessageLimiter returns what limits the messages of one connection.
func (c *Config) newMessageLimiter() *rate.Limiter {
	return rate.NewLimiter(rate.Limit(c.MessagesPerSecond), max(c.MessagesPerSecond, fewMessages))
}

// checkOrder says what is wrong with a message at its place in the conversation.
func (s *session) checkOrder(msg protocol.Message) *protocol.Error {
	offence := func(text string) *protocol.Error { return &protocol.Error{Message: text} }
	switch msg := msg.(type) {
	case protocol.ClientIdentity:
		if !s.identified.IsZero() {
			return offence("a second clientIdentity; it is sent once, as the first message of a connection")
		}
	case protocol.Changes:
		if s.identified.IsZero() {
			return &protocol.Error{RequestID: msg.RequestID, Message: "changes before clientIdentity; it is the first message of a connection"}
		}
	case protocol.Subscribe:
		if s.identified.IsZero() {
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
func (s *session) offend(code websocket.StatusCode, offence *protocol.Error) ([]byte, error) {
	who := s.identity
	if who == "" {
		who = s.address // its next connection has another port
	}
	if s.server.offenders.allow(who) {
		s.logger().Warn().Str("client", s.identity).Str("error", offence.Message).Msg("client does not speak the protocol")
	}
	return protocol.AppendError(nil, offence), closing{code: code, reason: offence.Message}
}

// identify takes the client's identity, or gives it one.
func (s *session) identify(ctx context.Context, msg protocol.ClientIdentity) ([]byte, error) {
	s.identified = time.Now()
	var isFirst bool
	s.identity, isFirst = s.ownIdentity(msg.Identity)
	s.isNew = s.identity != msg.Identity
	if msg.Tables != nil {
		s.named = msg.Tables
	}
	s.introduced.Store(&introduction{database: s.db.name, identity: s.identity})
	s.peer = s.db.peer(s.identity, isFirst)
	s.peer.enter(s)
	var err error
	if s.stale, err = s.peer.takeOver(s); err != nil {
		return nil, err
	}
	if s.arrived, err = s.db.log.Head(); err != nil {
		return nil, failure(err)
	}
	if s.isNew && !isFirst {
		s.predecessor = msg.Identity
		if err := s.succeed(ctx, msg.Identity); err != nil {
			return nil, failure(err)
		}
	}
	if !isFirst { // nobody had the identity so far; and a look into the file needs a stack that stays
		if s.known, err = s.db.log.Knows(ctx, s.identity); err != nil {
			return nil, failure(err)
		}
	}
	if s.known.Strayed {
		s.peer.expectStray()
	}
	if !s.isNew {
		return nil, nil
	}
	return protocol.AppendIdentity(nil, s.identity), nil
}

// submit acknowledges a set when the log has it on disk.
func (s *session) submit(msg protocol.Changes) ([]byte, error) {
	if s.isBlank(msg) {
		s.sets++
		s.server.counts.setsReceived.Add(1)
		return protocol.AppendAck(nil, msg.RequestID), nil
	}
	s.lastSet.Store(int64(thisMoment()))
	s.holdFeed()
	s.compose(msg)
	// The reading waits here, so nobody could cancel it.
	receipt, err := s.submitRestrained(context.Background(), revlog.Set{
		Client:  s.identity,
		Base:    msg.Base,
		Changes: msg.Changes,
		Refused: msg.Refused,
		Partial: msg.Partial,
		First:   msg.First,
		Time:    s.server.config.Now(),
		Limits:  s.server.config.setLimits(),

		Sent:       s.composed.sent,
		Connection: s.id,
		Stale:      s.composed.stale,
		ReadOnly:   s.grant.ReadOnly,
		Apart:      s.grant.ReadOnly && s.peer.wishFinished() != nil,
	})
	if err != nil {
		return nil, failure(err)
	}
	s.noteUpload(msg)
	if !receipt.Held && len(msg.Changes) > 0 {
		s.awaitConfirmation()
	}
	s.checkBase(msg.Base, receipt.Head, receipt.Appended)
	s.logCollisions(receipt.Collisions)
	if s.holding = receipt.Held; !receipt.Held && !s.grant.ReadOnly {
		s.peer.fulfil()
	}
	s.sets++
	if !s.composed.opening {
		s.peer.speaking()
	}
	s.stale = false // what comes now was made up after the acknowledgement
	if len(msg.Changes) > 0 {
		s.peer.changed.Store(int64(thisMoment()))
		s.goesOn()
		s.peer.hear(msg.Changes)
	}
	s.submitted += len(msg.Changes)
	s.server.counts.setsReceived.Add(1)
	s.server.counts.changesReceived.Add(int64(len(msg.Changes)))
	if !s.grant.ReadOnly {
		s.logRefused(msg.Refused)
	}
	return protocol.AppendAck(nil, msg.RequestID), nil
}

// isBlank reports whether a set is the first of a new client and says nothing, as
// most do. The log has nothing of that client, so this need not wait for commits.
func (s *session) isBlank(msg protocol.Changes) bool {
	return s.isNew && !s.known.Known && s.sets == 0 && len(msg.Changes)+len(msg.Refused) == 0 && !msg.Partial
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

// logCollisions tells the operator of tables in which clients lose objects.
func (s *session) logCollisions(tables []string) {
	for _, table := range tables {
		s.server.counts.collisions.Add(1)
		if s.server.warnings.allow("collision " + s.db.name + " " + table) {
			s.logger().Warn().Str("client", s.identity).Str("table", table).
				Msg("two clients gave different objects the same key, and one of the objects was dropped: " +
					"if the table is declared with ++id, declare it with $$id, so that no two keys are the same")
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
	s.atWork.Store(true)
	defer s.atWork.Store(false)
	err := s.finishAs(ctx, s.identity)
	if err == nil {
		s.peer.fulfil()
	}
	return err
}

// subscribe starts the pushing. Its first message opens the client's app.
func (s *session) subscribe(ctx, stop context.Context, msg protocol.Subscribe) {
	s.subscribed = true
	s.upload.isDue = ruleLostAck && msg.IsNew && s.mayUploadAgain()
	if msg.Tables != nil {
		s.named = msg.Tables
	}
	s.startFeed(ctx, stop, msg.Synced)
}
