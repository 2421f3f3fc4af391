package revlog

import (
	"encoding/binary"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

// Bounds of the changes that are kept for the operator to see.
const (
	mostRefused      = 1000
	mostRefusedBytes = 64 << 10 // of one change
)

// A Refused is a change that a client sent and that can never be accepted.
type Refused struct {
	Client   uint64    `json:"client"` // number of the client
	Received time.Time `json:"received"`
	Table    string    `json:"table"`
	Reason   string    `json:"reason"`
	Change   string    `json:"change"` // its JSON, or the first 64 KiB of it
}

func (r refused) encode() []byte {
	b := make([]byte, checksumSize)
	b = binary.AppendUvarint(b, r.client)
	b = binary.AppendUvarint(b, uint64(r.received.UnixMilli()))
	b = appendBytes(b, r.refusal.Table)
	b = appendBytes(b, r.refusal.Reason)
	return append(b, r.refusal.Change[:min(len(r.refusal.Change), mostRefusedBytes)]...)
}

func decodeRefused(key, b []byte) (Refused, error) {
	d := unseal(key, b)
	r := Refused{
		Client:   d.uvarint(),
		Received: time.UnixMilli(int64(d.uvarint())),
		Table:    string(d.bytes()),
		Reason:   string(d.bytes()),
		Change:   string(d.rest),
	}
	if d.err != nil {
		return Refused{}, fmt.Errorf("refused change: %w", d.err)
	}
	return r, nil
}

// Refused returns the last changes that were refused, oldest first.
func (db *DB) Refused() ([]Refused, error) {
	var all []Refused
	err := db.look(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketRefused).ForEach(func(key, record []byte) error {
			r, err := decodeRefused(key, record)
			all = append(all, r)
			return err
		})
	})
	return all, err
}
