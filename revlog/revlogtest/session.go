package revlogtest

import (
	"context"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/revlog/revlogtest/dexie"
)

// A session is what a server does for one connection as long as connections are
// not lost: it hands sets to the log, acknowledges them, and pushes batches.
type session struct {
	log      revlog.Log
	client   string
	pageSize int
	readOnly bool

	holding    bool // a set is open
	subscribed bool
	answered   bool // a batch has been sent, be it empty
	position   protocol.Revision
	cursor     revlog.Cursor // in a batch of which a part was sent
}

// handle takes a message from the client and returns the answer, if there is one.
func (s *session) handle(ctx context.Context, message protocol.Message) (answer any, err error) {
	switch m := message.(type) {
	case protocol.Changes:
		set := revlog.Set{Client: s.client, Base: m.Base, Changes: m.Changes, Partial: m.Partial, Time: arrival, ReadOnly: s.readOnly}
		receipt, err := s.log.Submit(ctx, set)
		if err != nil {
			return nil, err
		}
		s.holding = receipt.Held
		return dexie.Ack{RequestID: m.RequestID}, nil
	case protocol.Subscribe:
		s.subscribed, s.position = true, m.Synced
	}
	return nil, nil
}

// complete commits a set that was left open: a client whose last part turns out
// to be empty does not send it.
func (s *session) complete(ctx context.Context) error {
	s.holding = false
	_, err := s.log.Submit(ctx, revlog.Set{Client: s.client, Time: arrival})
	return err
}

// behind reports whether there is something to push to a client when the log is
// at head. Batches are pushed even if they are empty (rule 7).
func (s *session) behind(head protocol.Revision) bool {
	return s.subscribed && (s.position < head || !s.answered)
}

// push returns the next message of changes. Partial ones leave the client where
// it was (rule 10).
func (s *session) push(ctx context.Context) (dexie.Batch, error) {
	page, err := s.log.Read(ctx, revlog.Query{Reader: s.client, After: s.position, Cursor: s.cursor, MaxChanges: s.pageSize})
	if err != nil {
		return dexie.Batch{}, err
	}
	s.cursor = page.Next
	if !page.Partial {
		s.position, s.answered = page.Revision, true
	}
	return dexie.Batch{Changes: page.Changes, Revision: s.position, Partial: page.Partial}, nil
}
