package server

import (
	"context"

	"syncabled/protocol"
	"syncabled/revlog"
)

// push sends the client what others change, from a position on. Each round sends
// one batch: all there is between the position and the head. A batch is sent even
// if it holds no changes, because the position counts too: it becomes the base
// of what the client changes next.
func (s *session) push(ctx context.Context, position protocol.Revision) error {
	var frame []byte
	for {
		next, err := s.pushBatch(ctx, position, &frame)
		if err != nil {
			return err
		}
		position = next
		if cap(frame) > idleFrame {
			frame = nil
		}
		if _, err := s.db.log.Wait(ctx, position); err != nil {
			return err
		}
	}
}

// idleFrame is the largest buffer that a session keeps while it has nothing to send.
const idleFrame = 4 << 10

// pushBatch sends one batch, in as many messages as it has pages, and returns
// the position after it. All messages but the last are partial and leave the
// client at its position: a connection that is cut starts the batch anew.
func (s *session) pushBatch(ctx context.Context, position protocol.Revision, frame *[]byte) (protocol.Revision, error) {
	query := revlog.Query{
		Reader:     s.identity,
		After:      position,
		MaxChanges: s.server.config.PageChanges,
		MaxBytes:   s.server.config.PageBytes,
	}
	for {
		page, err := s.db.log.Read(ctx, query)
		if err != nil {
			return 0, err
		}
		current := page.Revision
		if page.Partial {
			current = position
		}
		*frame = protocol.AppendChanges((*frame)[:0], page.Changes, current, page.Partial)
		if err := s.write(ctx, *frame); err != nil {
			return 0, err
		}
		s.pushed.Add(int64(len(page.Changes)))
		if !page.Partial {
			return page.Revision, nil
		}
		query.Cursor = page.Next
	}
}
