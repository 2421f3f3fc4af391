package boltlog

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"go.etcd.io/bbolt"

	"syncabled/protocol"
)

// This file makes, checks and upgrades the parts of a file that say what it is.

const (
	programName       = "syncabled"
	formatVersion     = 4
	formatWithoutRuns = 2 // the oldest that is read
)

var (
	bucketMeta    = []byte("meta")
	bucketEntries = []byte("entries")
	bucketObjects = []byte("objects")
	bucketClients = []byte("clients")
	bucketHeld    = []byte("held")
	bucketRefused = []byte("refused")
	bucketRuns    = []byte("runs")
	buckets       = [][]byte{bucketMeta, bucketEntries, bucketObjects, bucketClients, bucketHeld, bucketRefused, bucketRuns} // runs came last

	metaFormat  = []byte("format")
	metaProgram = []byte("program")
	metaID      = []byte("id")
	metaFolded  = []byte("folded")
	metaGaps    = []byte("gaps")
)

// ErrFormat is wrapped by Open's error for a file that this version of the
// program must not touch: of another program, or of another format.
var ErrFormat = errors.New("not a database of this format")

// initialize writes the buckets and the meta record of a new file.
func initialize(tx *bbolt.Tx) error {
	for _, name := range buckets {
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	id := uuid.New()
	meta := tx.Bucket(bucketMeta)
	return errors.Join(
		putFormat(meta),
		meta.Put(metaProgram, []byte(programName)),
		putMeta(meta, metaID, id[:]),
		putMeta(meta, metaFolded, revisionKey(0)),
	)
}

func putMeta(meta *bbolt.Bucket, name, value []byte) error {
	return put(meta, name, append(make([]byte, checksumSize), value...))
}

// getMeta returns a value of the meta bucket, nil if it is not there.
func getMeta(meta *bbolt.Bucket, name []byte) ([]byte, error) {
	record := meta.Get(name)
	if record == nil {
		return nil, nil
	}
	d := unseal(name, record)
	if d.err != nil {
		return nil, fmt.Errorf("meta %q: %w", name, d.err)
	}
	return d.rest, nil
}

// foldedOf returns the revision up to which entries are folded into objects.
func foldedOf(meta *bbolt.Bucket) (protocol.Revision, error) {
	value, err := getMeta(meta, metaFolded)
	if err == nil && len(value) != 8 {
		err = fmt.Errorf("meta %q: %w", metaFolded, errCorrupt)
	}
	if err != nil {
		return 0, err
	}
	return protocol.Revision(binary.BigEndian.Uint64(value)), nil
}

// upgrade brings a file of an older format to this one.
func upgrade(bolt *bbolt.DB) error {
	old := false
	err := bolt.View(func(tx *bbolt.Tx) error {
		old = binary.BigEndian.Uint32(tx.Bucket(bucketMeta).Get(metaFormat)) != formatVersion
		return nil
	})
	if err != nil || !old {
		return err
	}
	return bolt.Update(func(tx *bbolt.Tx) error {
		if _, err := tx.CreateBucketIfNotExists(bucketRuns); err != nil {
			return err
		}
		return putFormat(tx.Bucket(bucketMeta))
	})
}

func putFormat(meta *bbolt.Bucket) error {
	return meta.Put(metaFormat, binary.BigEndian.AppendUint32(nil, formatVersion))
}

// checkOurs refuses what is not ours.
func checkOurs(tx *bbolt.Tx) error {
	meta := tx.Bucket(bucketMeta)
	if meta == nil || string(meta.Get(metaProgram)) != programName {
		return fmt.Errorf("%w: it belongs to another program", ErrFormat)
	}
	format := meta.Get(metaFormat)
	if len(format) != 4 {
		return fmt.Errorf("%w: its format version is missing", ErrFormat)
	}
	version := binary.BigEndian.Uint32(format)
	if version < formatWithoutRuns || version > formatVersion {
		return fmt.Errorf("%w: it has format %d, this program writes format %d and reads formats from %d on; use the version of syncabled that wrote it, or a newer one",
			ErrFormat, version, formatVersion, formatWithoutRuns)
	}
	required := buckets
	if version == formatWithoutRuns {
		required = buckets[:len(buckets)-1]
	}
	for _, name := range required {
		if tx.Bucket(name) == nil {
			return fmt.Errorf("%w: it has no bucket %q", ErrBroken, name)
		}
	}
	return nil
}
