package boltlog

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/revlog/fold"
)

// This file turns records into the bytes that the package comment describes.

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errCorrupt = errors.New("record is corrupt")

const checksumSize = 4

// put stores a record, which has left room for its checksum.
func put(bucket *bbolt.Bucket, key, record []byte) error {
	return bucket.Put(key, seal(key, record))
}

// records is the memory for the encoded records of a transaction. bbolt refers to it
// until the commit, so file.update resets it when the transaction has ended.
type records []byte

// reset makes room for the records of the next transaction, and lets go of memory that
// is large.
func (r *records) reset() {
	const much = 1 << 20
	if *r = (*r)[:0]; cap(*r) > much {
		*r = nil
	}
}

// putRecord stores a record that is made in the memory of a transaction.
func putRecord[R any](memory *records, bucket *bbolt.Bucket, key []byte, record R, encode func([]byte, R) []byte) error {
	start := len(*memory)
	*memory = encode(*memory, record)
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
	if !hasValidChecksum(key, record) {
		return decoder{err: errCorrupt}
	}
	return decoder{rest: record[checksumSize:]}
}

func hasValidChecksum(key, record []byte) bool {
	return len(record) >= checksumSize && binary.BigEndian.Uint32(record) == checksum(key, record)
}

func appendEntry(b []byte, e revlog.Entry) []byte {
	c := e.Change
	b = slices.Grow(b, checksumSize+32+len(c.Table)+len(c.Key)+len(c.Obj)+len(c.Mods))
	b = append(b, make([]byte, checksumSize)...)
	b = append(b, byte(c.Type))
	b = binary.AppendUvarint(b, e.Client)
	b = binary.AppendUvarint(b, uint64(e.Previous))
	b = appendBytes(b, c.Table)
	b = appendBytes(b, c.Key)
	return append(b, payload(c)...)
}

// decodeEntry reads an entry. Its change shares memory with b.
func decodeEntry(key, b []byte) (revlog.Entry, error) {
	d := unseal(key, b)
	e := revlog.Entry{Revision: protocol.Revision(binary.BigEndian.Uint64(key))}
	e.Change.Type = protocol.ChangeType(d.byte())
	e.Client = d.uvarint()
	e.Previous = d.revision()
	e.Change.Table, e.Change.Key = d.name()
	setPayload(&e.Change, d.rest)
	if d.err != nil {
		return revlog.Entry{}, fmt.Errorf("entry %d: %w", e.Revision, d.err)
	}
	return e, nil
}

func appendObject(b []byte, o fold.Object) []byte {
	b = slices.Grow(b, checksumSize+24+len(o.Value))
	b = append(b, make([]byte, checksumSize)...)
	b = binary.AppendUvarint(b, uint64(o.Last))
	b = binary.AppendUvarint(b, o.Owner)
	if o.Value == nil {
		return append(b, 0)
	}
	return append(append(b, 1), o.Value...)
}

// decodeObject reads an object into o. Its value shares memory with b. It does without a
// decoder, because a first sync decodes every object.
func decodeObject(o *fold.Object, key, b []byte) error {
	if hasValidChecksum(key, b) {
		rest := b[checksumSize:]
		last, n := binary.Uvarint(rest)
		owner, m := binary.Uvarint(rest[max(n, 0):])
		if end := n + m; n > 0 && m > 0 && end < len(rest) {
			o.Last, o.Owner, o.Value = protocol.Revision(last), owner, nil
			if rest[end] == 1 {
				o.Value = rest[end+1:]
			}
			return nil
		}
	}
	return fmt.Errorf("object %q: %w", key, errCorrupt)
}

func encodeClient(c fold.Client) []byte {
	b := make([]byte, checksumSize)
	for _, field := range []uint64{c.Number, c.Hour, uint64(c.Base), uint64(c.Resync.From), uint64(c.Resync.At)} {
		b = binary.AppendUvarint(b, field)
	}
	b = append(b, boolByte(c.Resync.Own)|boolByte(c.Confirmed)<<1|boolByte(c.Strayed)<<2)
	return appendBytes(b, c.Tables.Encoded())
}

func decodeClient(identity string, b []byte) (fold.Client, error) {
	d := unseal([]byte(identity), b)
	c := fold.Client{Number: d.uvarint(), Hour: d.uvarint(), Base: d.revision()}
	c.Resync.From, c.Resync.At = d.revision(), d.revision()
	if d.err == nil && len(d.rest) == 0 { // of an older format
		c.Resync.Own, c.Confirmed = true, c.Base > 0
		return c, nil
	}
	flags := d.byte()
	c.Resync.Own, c.Confirmed, c.Strayed = flags&1 != 0, flags&2 != 0, flags&4 != 0
	tables, err := revlog.ParseTables(d.bytes())
	d.err = cmp.Or(d.err, err)
	c.Tables = tables
	if d.err != nil {
		return fold.Client{}, fmt.Errorf("client %q: %w", identity, d.err)
	}
	return c, nil
}

func encodePart(p fold.Part) []byte {
	b := make([]byte, checksumSize)
	b = binary.AppendUvarint(b, uint64(p.Base))
	b = binary.AppendUvarint(b, uint64(p.Received.UnixMilli()))
	b = appendBytes(b, p.Connection)
	b = append(b, boolByte(p.Stale)|boolByte(p.Back)<<1)
	for _, c := range p.Changes {
		b = append(b, byte(c.Type))
		b = appendBytes(b, c.Table)
		b = appendBytes(b, c.Key)
		b = appendBytes(b, payload(c))
	}
	return b
}

// decodePart reads a held message. Its changes share memory with b.
func decodePart(key, b []byte) (fold.Part, error) {
	d := unseal(key, b)
	p := fold.Part{
		Base:       d.revision(),
		Received:   time.UnixMilli(int64(d.uvarint())),
		Connection: string(d.bytes()),
	}
	doubts := d.byte()
	p.Stale, p.Back = doubts&1 != 0, doubts&2 != 0
	p.Changes = slices.Grow(p.Changes, d.countChanges())
	for d.err == nil && len(d.rest) > 0 {
		c := protocol.Change{Type: protocol.ChangeType(d.byte()), Table: string(d.bytes()), Key: protocol.Key(d.bytes())}
		setPayload(&c, d.bytes())
		p.Changes = append(p.Changes, c)
	}
	if d.err != nil {
		return fold.Part{}, fmt.Errorf("held message: %w", d.err)
	}
	return p, nil
}

// countChanges returns how many changes the rest of a held message has. It does not look
// at what is in them.
func (d decoder) countChanges() (n int) {
	for d.err == nil && len(d.rest) > 0 {
		d.byte()
		d.bytes()
		d.bytes()
		d.bytes()
		n++
	}
	return n
}

// changesIn returns how many changes a held message has. Of one that is damaged that is
// a guess; it is found when the set is finished.
func changesIn(record []byte) int {
	d := decoder{rest: record[min(checksumSize, len(record)):]}
	d.revision()
	d.uvarint()
	d.bytes()
	d.byte()
	return d.countChanges()
}

// receivedOf returns when a held message was received, without a look at its
// changes, which may be many megabytes.
func receivedOf(b []byte) (time.Time, error) {
	d := decoder{rest: b[min(checksumSize, len(b)):]}
	d.revision() // its base
	received := time.UnixMilli(int64(d.uvarint()))
	return received, d.err
}

func encodeRefused(r revlog.Refused) []byte {
	b := make([]byte, checksumSize)
	b = binary.AppendUvarint(b, r.Client)
	b = binary.AppendUvarint(b, uint64(r.Received.UnixMilli()))
	b = appendBytes(b, r.Table)
	b = appendBytes(b, r.Reason)
	return append(b, r.Change...)
}

func decodeRefused(key, b []byte) (revlog.Refused, error) {
	d := unseal(key, b)
	r := revlog.Refused{
		Client:   d.uvarint(),
		Received: time.UnixMilli(int64(d.uvarint())),
		Table:    string(d.bytes()),
		Reason:   string(d.bytes()),
		Change:   string(d.rest),
	}
	if d.err != nil {
		return revlog.Refused{}, fmt.Errorf("refused change: %w", d.err)
	}
	return r, nil
}

// payload is the JSON that a change, or a resync, carries.
func payload(c protocol.Change) []byte {
	switch c.Type {
	case protocol.Create, revlog.MarkResync:
		return c.Obj
	}
	return c.Mods
}

func setPayload(c *protocol.Change, payload []byte) {
	switch c.Type {
	case protocol.Create:
		c.Obj = payload
	case protocol.Update:
		c.Mods = payload
	case revlog.MarkRepair:
		if len(payload) > 0 {
			c.Mods = payload
		}
	case revlog.MarkResync:
		if len(payload) > 0 {
			c.Obj = payload
		}
	}
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
