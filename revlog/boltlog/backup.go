package boltlog

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"

	"syncabled/protocol"
	"syncabled/revlog"
)

// WriteTo writes a copy of the database as it is at one moment, while others
// read and write. The copy is a database file.
func (s *store) WriteTo(w io.Writer) (int64, error) {
	var n int64
	err := s.file.view(func(tx *bbolt.Tx) error {
		var err error
		n, err = tx.WriteTo(w)
		return err
	})
	if errors.Is(err, io.EOF) { // of the file, which is to have as much as its meta page says
		err = fmt.Errorf("%w: the file was cut off after %d bytes: %w", ErrBroken, n, err)
	}
	return n, err
}

// restoreLeap is by how much a restore moves the head on. A client that had got
// further than the copy is then at a position that the log never had, and is
// recognised by it. No log makes as many entries between two copies.
const restoreLeap = 1 << 36

// Restore makes a database of the copy in the file at from. It refuses to
// overwrite a file. The restored log continues far beyond the copy's head: what
// lies between is a gap, and a reader from there gets ErrAhead.
func Restore(from, to string) (protocol.Revision, error) {
	if _, err := Verify(from); err != nil {
		return 0, err
	}
	if _, err := os.Lstat(to); !errors.Is(err, os.ErrNotExist) {
		return 0, fmt.Errorf("restore %s: %w", to, cmp.Or(err, os.ErrExist))
	}
	temp := to + tempSuffix // a copy without its gap is not restored yet
	head, err := copyAndLeap(from, temp)
	if err == nil {
		err = os.Rename(temp, to)
	}
	if err != nil {
		_ = os.Remove(temp) // it may not be there
		return 0, fmt.Errorf("restore %s: %w", to, err)
	}
	return head, syncDir(filepath.Dir(to))
}

func copyAndLeap(from, to string) (protocol.Revision, error) {
	if err := copyFile(from, to); err != nil {
		return 0, err
	}
	return leap(to)
}

// copyFile copies a file durably.
func copyFile(from, to string) (err error) {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Sync(), target.Close())
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	// Some systems cannot sync a folder; there, names are durable without.
	_ = dir.Sync()
	return dir.Close()
}

// leap appends the entry that stands at the end of a gap, and notes the gap.
func leap(path string) (protocol.Revision, error) {
	bolt, err := bbolt.Open(path, 0o600, boltOptions())
	if err != nil {
		return 0, explain(err)
	}
	var next protocol.Revision
	err = bolt.Update(func(tx *bbolt.Tx) error {
		head, err := newView(tx).Head()
		if err != nil {
			return err
		}
		next = head + restoreLeap
		if next > protocol.MaxRevision {
			return errors.New("revisions are used up")
		}
		meta := tx.Bucket(bucketMeta)
		gaps, err := gapsOf(meta)
		if err != nil {
			return err
		}
		gaps = append(gaps, gap{head, next})
		e := revlog.Entry{Revision: next, Previous: head, Change: protocol.Change{Type: revlog.MarkResync}}
		return errors.Join(
			putMeta(meta, metaGaps, encodeGaps(gaps)),
			put(tx.Bucket(bucketEntries), revisionKey(next), appendEntry(nil, e)),
		)
	})
	return next, errors.Join(err, bolt.Close())
}

// A gap is a range of revisions that the log left out: those in (after, to).
type gap struct{ after, to protocol.Revision }

func gapsOf(meta *bbolt.Bucket) ([]gap, error) {
	b, err := getMeta(meta, metaGaps)
	var gaps []gap
	for ; len(b) >= 16; b = b[16:] {
		gaps = append(gaps, gap{
			protocol.Revision(binary.BigEndian.Uint64(b)),
			protocol.Revision(binary.BigEndian.Uint64(b[8:])),
		})
	}
	return gaps, err
}

func encodeGaps(gaps []gap) []byte {
	var b []byte
	for _, g := range gaps {
		b = append(append(b, revisionKey(g.after)...), revisionKey(g.to)...)
	}
	return b
}
