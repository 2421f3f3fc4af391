package boltlog

import (
	"bytes"
	"context"
	"errors"

	"go.etcd.io/bbolt"

	"syncabled/protocol"
	"syncabled/revlog"
)

// entriesBytes is the size of changes after which Entries returns what it has.
const entriesBytes = 1 << 20

// Entries looks at the first entries after a revision, in order.
func (s *store) Entries(ctx context.Context, after protocol.Revision, max int, filter revlog.Filter) (page []revlog.Entry, next protocol.Revision, err error) {
	head, err := s.Head()
	if err == nil {
		err = s.checkPosition(after, head)
	}
	if err != nil {
		return nil, after, err
	}
	looked, size := 0, 0
	next = after
	err = s.file.view(func(tx *bbolt.Tx) error {
		return newView(tx).each(after, head, func(e revlog.Entry) error {
			if looked == max || size >= entriesBytes {
				return errPageFull
			}
			looked++
			next = e.Revision
			if filter.Passes(e.Change) {
				e.Change.Obj, e.Change.Mods = bytes.Clone(e.Change.Obj), bytes.Clone(e.Change.Mods)
				size += len(e.Change.Obj) + len(e.Change.Mods)
				page = append(page, e)
			}
			return ctx.Err()
		})
	})
	if errors.Is(err, errPageFull) {
		err = nil
	}
	return page, next, err
}
