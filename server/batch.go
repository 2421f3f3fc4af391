package server

import (
	"context"
	"fmt"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/server/socket"
)

// This file sends batches. A batch goes out in messages of a bounded size, and a
// large message in pieces: what is in memory for a client that takes it in
// slowly, or not at all, is a piece.

// pieceBytes is about the size of a piece.
const pieceBytes = 32 << 10

// pushBatch sends one batch and returns the position after it. All messages but
// the last are partial and leave the client at its position: a connection that
// is cut starts the batch anew.
func (s *session) pushBatch(ctx, stop context.Context, query revlog.Query, frame *[]byte) (protocol.Revision, error) {
	query.Reader = s.identity
	query.Tables = s.tables
	page, err := s.readPiece(ctx, query, s.emptyMessage())
	if err == nil && page.Repairs && !query.Whole {
		if err := s.awaitQuiet(stop); err != nil {
			return 0, err
		}
		page, err = s.readPiece(ctx, query, s.emptyMessage())
	}
	if err != nil {
		return 0, err
	}
	skips := page.Idle || !ruleEmpty && len(page.Changes) == 0
	if skips && (s.answered || !ruleFirst) && !query.Whole {
		return page.Revision, nil
	}
	s.answered = true
	s.peer.sending(page.Revision)
	for {
		if err := s.pushMessage(ctx, query, &page, frame); err != nil || !page.Partial {
			return page.Revision, err
		}
		query.Cursor = page.Next
		if page, err = s.readPiece(ctx, query, s.emptyMessage()); err != nil {
			return 0, err
		}
	}
}

// room is how much more a message may hold.
type room struct{ changes, bytes int }

func (s *session) emptyMessage() room {
	return room{s.server.config.PageChanges, s.server.config.PageBytes}
}

func (s *session) readPiece(ctx context.Context, query revlog.Query, room room) (revlog.Page, error) {
	query.MaxChanges = room.changes
	query.MaxBytes = min(room.bytes, pieceBytes)
	return s.db.log.Read(ctx, query)
}

// pushMessage sends a message that begins with a page and goes on with those
// behind it, until the message is full or the batch ends. It leaves the last page
// there, without its changes.
func (s *session) pushMessage(ctx context.Context, query revlog.Query, page *revlog.Page, frame *[]byte) error {
	message, left := s.conn.Begin(), s.emptyMessage()
	*frame = protocol.BeginChanges(append((*frame)[:0], headroom...))
	for {
		before := len(*frame)
		*frame = protocol.AppendList(*frame, page.Changes)
		left.changes -= len(page.Changes)
		left.bytes -= len(*frame) - before
		s.countPushed(len(page.Changes))
		page.Changes = nil // it need not stay in memory for as long as the client takes
		if !page.Partial || left.changes <= 0 || left.bytes <= 0 {
			break
		}
		if err := s.writePiece(&message, *frame, false); err != nil {
			return err
		}
		query.Cursor = page.Next
		var err error
		if *page, err = s.readPiece(ctx, query, left); err != nil {
			return err
		}
		if *frame = append((*frame)[:0], headroom...); len(page.Changes) > 0 {
			*frame = append(*frame, ',')
		}
	}
	current := page.Revision
	if page.Partial && rulePartial {
		current = query.After
	}
	*frame = protocol.EndChanges(*frame, current, page.Partial)
	return s.writePiece(&message, *frame, true)
}

// headroom is where the header of a piece goes.
var headroom = make([]byte, socket.Headroom)

func (s *session) writePiece(message *socket.Message, piece []byte, last bool) error {
	s.writing.Add(1)
	defer s.writing.Add(-1)
	if err := message.Write(piece, last); err != nil {
		return fmt.Errorf("%w: %w", errGone, err)
	}
	if last {
		s.server.counts.messagesSent.Add(1)
	}
	return nil
}
