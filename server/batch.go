package server

import (
	"context"
	"fmt"
	"io"

	"github.com/coder/websocket"

	"syncabled/protocol"
	"syncabled/revlog"
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
	out, left := outgoing{session: s}, s.emptyMessage()
	*frame = protocol.BeginChanges((*frame)[:0])
	for {
		before := len(*frame)
		*frame = protocol.AppendList(*frame, page.Changes)
		left.changes -= len(page.Changes)
		left.bytes -= len(*frame) - before
		s.pushed.Add(int64(len(page.Changes)))
		s.server.counts.changesSent.Add(int64(len(page.Changes)))
		page.Changes = nil // it need not stay in memory for as long as the client takes
		if !page.Partial || left.changes <= 0 || left.bytes <= 0 {
			break
		}
		if err := out.write(ctx, *frame); err != nil {
			return err
		}
		query.Cursor = page.Next
		var err error
		if *page, err = s.readPiece(ctx, query, left); err != nil {
			return err
		}
		if *frame = (*frame)[:0]; len(page.Changes) > 0 {
			*frame = append(*frame, ',')
		}
	}
	current := page.Revision
	if page.Partial && rulePartial {
		current = query.After
	}
	*frame = protocol.EndChanges(*frame, current, page.Partial)
	return out.end(ctx, *frame)
}

// An outgoing is a message that is written in pieces, or, if it is a small one,
// as a whole. A message that is begun and not ended takes its connection with it.
type outgoing struct {
	session *session
	pieces  io.WriteCloser // nil until the first of several
}

func (o *outgoing) write(ctx context.Context, piece []byte) error {
	o.session.writing.Add(1)
	defer o.session.writing.Add(-1)
	var err error
	if o.pieces == nil {
		o.pieces, err = o.session.conn.Writer(ctx, websocket.MessageText)
	}
	if err == nil {
		_, err = o.pieces.Write(piece)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errGone, err)
	}
	return nil
}

func (o *outgoing) end(ctx context.Context, piece []byte) error {
	if o.pieces == nil {
		return o.session.write(ctx, piece)
	}
	if err := o.write(ctx, piece); err != nil {
		return err
	}
	if err := o.pieces.Close(); err != nil {
		return fmt.Errorf("%w: %w", errGone, err)
	}
	o.session.server.counts.messagesSent.Add(1)
	return nil
}
