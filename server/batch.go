package server

import (
	"context"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/server/socket"
)

// This file sends batches. A batch goes out in messages of a bounded size, and a
// large message in pieces: what is in memory for a client that takes it in
// slowly, or not at all, is a piece.

// pieceBytes is about the size of a piece.
const pieceBytes = 64 << 10

// pushBatch sends one batch and returns the position after it. All messages but
// the last are partial and leave the client at its position: a connection that
// is cut starts the batch anew.
func (s *session) pushBatch(ctx, stop context.Context, query revlog.Query, frame *[]byte) (protocol.Revision, error) {
	query.Reader = s.identity
	query.Tables = s.tables.all()
	page, err := s.beginMessage(ctx, query, frame)
	if err == nil && page.Repairs && !query.Snapshot {
		if err := s.awaitQuiet(stop); err != nil {
			return 0, err
		}
		page, err = s.beginMessage(ctx, query, frame)
	}
	if err != nil {
		return 0, err
	}
	skips := page.Idle || !ruleEmpty && page.Count == 0
	if skips && (s.answered || !ruleFirst) && !query.Snapshot {
		return page.Revision, nil
	}
	s.answered = true
	s.sending(page.Revision)
	for {
		if err := s.pushMessage(ctx, query, &page, frame); err != nil || !page.Partial {
			return page.Revision, err
		}
		query.Cursor = page.Next
		if page, err = s.beginMessage(ctx, query, frame); err != nil {
			return 0, err
		}
	}
}

// room is how much more a message may hold.
type room struct{ changes, bytes int }

func (s *session) emptyMessage() room {
	return room{s.server.config.PageChanges, s.server.config.PageBytes}
}

// beginMessage makes the first piece of a message in frame.
func (s *session) beginMessage(ctx context.Context, query revlog.Query, frame *[]byte) (revlog.Page, error) {
	*frame = protocol.BeginChanges(append((*frame)[:0], headroom...))
	return s.readPiece(ctx, query, s.emptyMessage(), frame)
}

// readPiece appends to frame as many changes as a piece has room for.
func (s *session) readPiece(ctx context.Context, query revlog.Query, room room, frame *[]byte) (revlog.Page, error) {
	query.MaxChanges = room.changes
	query.MaxBytes = min(room.bytes, pieceBytes)
	query.Encoder, query.Text = protocol.ListEncoder{}, *frame
	page, err := s.db.log.Read(ctx, query)
	if err == nil {
		*frame = page.Text
	}
	return page, err
}

// pushMessage sends a message that begins with the piece in frame, of a page, and
// goes on with the pages behind it, until the message is full or the batch ends.
// It leaves the last page there.
func (s *session) pushMessage(ctx context.Context, query revlog.Query, page *revlog.Page, frame *[]byte) error {
	message, left := s.conn.Begin(), s.emptyMessage()
	for {
		left.changes -= page.Count
		left.bytes -= len(*frame)
		s.countPushed(page.Count)
		if !page.Partial || left.changes <= 0 || left.bytes <= 0 {
			break
		}
		if err := s.writePiece(&message, *frame, false); err != nil {
			return err
		}
		query.Cursor = page.Next
		*frame = append(append((*frame)[:0], headroom...), ',')
		var err error
		if *page, err = s.readPiece(ctx, query, left, frame); err != nil {
			return err
		}
		if page.Count == 0 {
			*frame = (*frame)[:len(headroom)]
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
	err := message.Write(piece, last)
	if err == nil {
		err = s.askFor(piece)
	}
	if err != nil {
		return s.gone(err)
	}
	if last {
		s.server.counts.messagesSent.Add(1)
	}
	return nil
}
