package revlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"syncabled/protocol"
)

// This file turns records into the bytes that the package comment describes.

// An entry is one accepted change, or a mark (see repair.go).
type entry struct {
	revision protocol.Revision // is the key of the record
	client   uint64
	previous protocol.Revision
	change   protocol.Change
}

// The types of marks, which continue those of changes.
const (
	typeRepair protocol.ChangeType = 4
	typeResync protocol.ChangeType = 5
)

func (e entry) isMark() bool { return e.change.Type >= typeRepair }

// An object is the state of one key of one table. The zero object has no
// history.
type object struct {
	last  protocol.Revision
	owner uint64
	value []byte // nil if it is deleted, or never was
}

// A client is a client database that has written something.
type client struct {
	number uint64
	hour   uint64            // last seen, in hours since 1970
	base   protocol.Revision // highest of its sets
	resync resync
}

// A resync is a client's last one: it got everything after from anew, at a
// revision.
type resync struct {
	from, at protocol.Revision
}

// A part is one held message of a set.
type part struct {
	base       protocol.Revision
	received   time.Time
	connection string
	stale      bool
	changes    []protocol.Change

	sent     protocol.Revision // 0 once it is held
	readOnly bool              // never if it is held
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errCorrupt = errors.New("record is corrupt")

const checksumSize = 4

// put stores a record, which has left room for its checksum.
func put(bucket *bbolt.Bucket, key, record []byte) error {
	return bucket.Put(key, seal(key, record))
}

// records is memory for the records of a transaction, which has to stay as it is until
// that has ended. The next one takes the same.
type records []byte

// reset makes room for the records of the next transaction, and lets go of memory that
// is much.
func (r *records) reset() {
	const much = 1 << 20
	if *r = (*r)[:0]; cap(*r) > much {
		*r = nil
	}
}

// putRecord stores a record that is made in the memory of a transaction.
func putRecord[R interface{ append([]byte) []byte }](memory *records, bucket *bbolt.Bucket, key []byte, record R) error {
	start := len(*memory)
	*memory = record.append(*memory)
	return put(bucket, key, (*memory)[start:len(*memory):len(*memory)])
}

// seal fills in the checksum. The key counts, too: a record in another's place is
// as bad as a damaged one.
func seal(key, record []byte) []byte {
	binary.BigEndian.PutUint32(record, checksum(key, record))
	return record
}

func checksum(key, record []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, record[checksumSize:])
}

// unseal checks the checksum and returns a decoder of the rest.
func unseal(key, record []byte) decoder {
	if !isSealed(key, record) {
		return decoder{err: errCorrupt}
	}
	return decoder{rest: record[checksumSize:]}
}

func isSealed(key, record []byte) bool {
	return len(record) >= checksumSize && binary.BigEndian.Uint32(record) == checksum(key, record)
}

func (e entry) encode() []byte { return e.append(nil) }

func (e entry) append(b []byte) []byte {
	c := e.change
	b = slices.Grow(b, checksumSize+32+len(c.Table)+len(c.Key)+len(c.Obj)+len(c.Mods))
	b = append(b, make([]byte, checksumSize)...)
	b = append(b, byte(c.Type))
	b = binary.AppendUvarint(b, e.client)
	b = binary.AppendUvarint(b, uint64(e.previous))
	b = appendBytes(b, c.Table)
	b = appendBytes(b, c.Key)
	return append(b, payload(c)...)
}

// decodeEntry reads an entry. Its change shares memory with b.
func decodeEntry(key, b []byte) (entry, error) {
	d := unseal(key, b)
	e := entry{revision: protocol.Revision(binary.BigEndian.Uint64(key))}
	e.change.Type = protocol.ChangeType(d.byte())
	e.client = d.uvarint()
	e.previous = d.revision()
	e.change.Table, e.change.Key = d.name()
	setPayload(&e.change, d.rest)
	if d.err != nil {
		return entry{}, fmt.Errorf("entry %d: %w", e.revision, d.err)
	}
	return e, nil
}

func (o object) encode() []byte { return o.append(nil) }

func (o object) append(b []byte) []byte {
	b = slices.Grow(b, checksumSize+24+len(o.value))
	b = append(b, make([]byte, checksumSize)...)
	b = binary.AppendUvarint(b, uint64(o.last))
	b = binary.AppendUvarint(b, o.owner)
	if o.value == nil {
		return append(b, 0)
	}
	return append(append(b, 1), o.value...)
}

// decodeObject reads an object. Its value shares memory with b.
func decodeObject(key, b []byte) (object, error) {
	var o object
	err := o.decode(key, b)
	return o, err
}

// decode is decodeObject into memory that is there, and without a decoder: a first
// sync decodes every object.
func (o *object) decode(key, b []byte) error {
	if isSealed(key, b) {
		rest := b[checksumSize:]
		last, n := binary.Uvarint(rest)
		owner, m := binary.Uvarint(rest[max(n, 0):])
		if end := n + m; n > 0 && m > 0 && end < len(rest) {
			o.last, o.owner, o.value = protocol.Revision(last), owner, nil
			if rest[end] == 1 {
				o.value = rest[end+1:]
			}
			return nil
		}
	}
	return fmt.Errorf("object %q: %w", key, errCorrupt)
}

func (c client) encode() []byte {
	b := make([]byte, checksumSize)
	for _, field := range []uint64{c.number, c.hour, uint64(c.base), uint64(c.resync.from), uint64(c.resync.at)} {
		b = binary.AppendUvarint(b, field)
	}
	return b
}

func decodeClient(identity string, b []byte) (client, error) {
	d := unseal([]byte(identity), b)
	c := client{number: d.uvarint(), hour: d.uvarint(), base: d.revision()}
	c.resync.from, c.resync.at = d.revision(), d.revision()
	if d.err != nil {
		return client{}, fmt.Errorf("client %q: %w", identity, d.err)
	}
	return c, nil
}

func (p part) encode() []byte {
	b := make([]byte, checksumSize)
	b = binary.AppendUvarint(b, uint64(p.base))
	b = binary.AppendUvarint(b, uint64(p.received.UnixMilli()))
	b = appendBytes(b, p.connection)
	b = append(b, boolByte(p.stale))
	for _, c := range p.changes {
		b = append(b, byte(c.Type))
		b = appendBytes(b, c.Table)
		b = appendBytes(b, c.Key)
		b = appendBytes(b, payload(c))
	}
	return b
}

// decodePart reads a held message. Its changes share memory with b.
func decodePart(key, b []byte) (part, error) {
	d := unseal(key, b)
	p := part{
		base:       d.revision(),
		received:   time.UnixMilli(int64(d.uvarint())),
		connection: string(d.bytes()),
		stale:      d.byte() == 1,
	}
	for d.err == nil && len(d.rest) > 0 {
		c := protocol.Change{Type: protocol.ChangeType(d.byte()), Table: string(d.bytes()), Key: protocol.Key(d.bytes())}
		setPayload(&c, d.bytes())
		p.changes = append(p.changes, c)
	}
	if d.err != nil {
		return part{}, fmt.Errorf("held message: %w", d.err)
	}
	return p, nil
}

// receivedOf returns when a held message was received, without a look at its
// changes, which may be many megabytes.
func receivedOf(b []byte) (time.Time, error) {
	d := decoder{rest: b[min(checksumSize, len(b)):]}
	d.revision() // its base
	received := time.UnixMilli(int64(d.uvarint()))
	return received, d.err
}

// payload is the JSON that a change carries.
func payload(c protocol.Change) []byte {
	if c.Type == protocol.Update {
		return c.Mods
	}
	return c.Obj
}

func setPayload(c *protocol.Change, payload []byte) {
	switch c.Type {
	case protocol.Create:
		c.Obj = payload
	case protocol.Update:
		c.Mods = payload
	}
}

// objectKey is the key of an object's record.
func objectKey(table string, key protocol.Key) string {
	var most [128]byte // most fit, and need no memory of their own
	return string(append(appendBytes(most[:0], table), key...))
}

// splitObjectKey is the inverse of objectKey.
func splitObjectKey[T string | []byte](b T) (table, key T) {
	size, n := binary.Uvarint([]byte(b[:min(len(b), binary.MaxVarintLen64)]))
	if n <= 0 || size > uint64(len(b)-n) {
		return table, key
	}
	end := n + int(size)
	return b[n:end], b[end:]
}

func boolByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}

func revisionKey(rev protocol.Revision) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(rev))
}

func appendBytes[T string | []byte | protocol.Key](b []byte, s T) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// A decoder takes fields off the front of a record. After the first error all
// of them are zero.
type decoder struct {
	rest []byte
	err  error
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) revision() protocol.Revision { return protocol.Revision(d.uvarint()) }

func (d *decoder) byte() byte {
	if len(d.rest) == 0 {
		d.fail()
		return 0
	}
	v := d.rest[0]
	d.rest = d.rest[1:]
	return v
}

func (d *decoder) bytes() []byte {
	n := d.uvarint()
	if n > uint64(len(d.rest)) {
		d.fail()
		return nil
	}
	v := d.rest[:n:n]
	d.rest = d.rest[n:]
	return v
}

// name takes the table and the key of an object, which become parts of one string.
func (d *decoder) name() (table string, key protocol.Key) {
	start := d.rest
	t := len(d.bytes())
	tableEnd := len(start) - len(d.rest)
	k := len(d.bytes())
	if d.err != nil {
		return "", ""
	}
	both := string(start[tableEnd-t : len(start)-len(d.rest)])
	return both[:t], protocol.Key(both[len(both)-k:])
}

func (d *decoder) fail() {
	if d.err == nil {
		d.err = errCorrupt
	}
	d.rest = nil
}
