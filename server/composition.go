package server

import "syncabled/protocol"

// A composition is what is known of the moment in which the client made up what it
// sends. A set that begins with "first" was made up at once, however many messages it
// comes in and however long they take: what its first message says of that moment holds
// for the others. Otherwise each message was made up when the one before had been
// acknowledged.
type composition struct {
	open    bool              // more of a set that was made up at once is on its way
	opening bool              // it is the first set of the connection
	stale   bool              // it may be older than what the client sent elsewhere
	sent    protocol.Revision // highest position that the client had been sent
}

// compose takes in when the client made up a message, before the message is handled.
func (s *session) compose(msg protocol.Changes) {
	goesOn := s.composed.open && !msg.First && ruleComposed
	if !goesOn {
		s.composed = composition{opening: s.sets == 0, stale: s.stale, sent: s.dispatched().position}
	}
	s.composed.open = msg.Partial && (msg.First || goesOn)
}
