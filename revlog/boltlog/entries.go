package boltlog

import (
	"bytes"
	"context"
	"errors"

	"go.etcd.io/bbolt"

	"syncabled/protocol"
	"syncabled/revlog"
)

// entriesBytes bounds the changes that Entries returns at once, but for the last.
const entriesBytes = 1 << 20

// Entries returns the first entries after a revision, in order.
func (s *store) Entries(ctx context.Context, after protocol.Revision, max int) (page []revlog.Entry, err error) {
	head, err := s.Head()
	if err == nil {
		err = s.checkPosition(after, head)
	}
	if err != nil {
		return nil, err
	}
	size := 0
	err = s.file.view(func(tx *bbolt.Tx) error {
		return newView(tx).each(after, head, func(e revlog.Entry) error {
			if len(page) == max || size >= entriesBytes {
				return errPageFull
			}
			e.Change.Obj, e.Change.Mods = bytes.Clone(e.Change.Obj), bytes.Clone(e.Change.Mods)
			size += len(e.Change.Obj) + len(e.Change.Mods)
			page = append(page, e)
			return ctx.Err()
		})
	})
	if errors.Is(err, errPageFull) {
		err = nil
	}
	return page, err
}
