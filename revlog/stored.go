package revlog

import (
	"bytes"

	"go.etcd.io/bbolt"
)

// stored walks in key order through objects that lie in several buckets, of which
// the first one that has an object counts.
type stored struct{ layers []storedLayer }

type storedLayer struct {
	cursor      *bbolt.Cursor
	key, record []byte
}

// seekStored begins behind a key.
func seekStored(buckets []*bbolt.Bucket, after string) stored {
	s := stored{make([]storedLayer, len(buckets))}
	for i, bucket := range buckets {
		s.layers[i] = seekBehind(bucket, []byte(after))
	}
	return s
}

func seekBehind(bucket *bbolt.Bucket, after []byte) storedLayer {
	l := storedLayer{cursor: bucket.Cursor()}
	l.key, l.record = l.cursor.Seek(after)
	if l.key != nil && bytes.Equal(l.key, after) {
		l.key, l.record = l.cursor.Next()
	}
	return l
}

// next returns the next object, a nil key if there is none.
func (s *stored) next() (key, record []byte) {
	if len(s.layers) != 1 {
		return s.nextOfSeveral()
	}
	l := &s.layers[0]
	if key, record = l.key, l.record; key != nil {
		l.key, l.record = l.cursor.Next()
	}
	return key, record
}

func (s *stored) nextOfSeveral() (key, record []byte) {
	for i := range s.layers {
		if l := &s.layers[i]; l.key != nil && (key == nil || bytes.Compare(l.key, key) < 0) {
			key, record = l.key, l.record
		}
	}
	if key == nil {
		return nil, nil
	}
	for i := range s.layers {
		if l := &s.layers[i]; l.key != nil && bytes.Equal(l.key, key) {
			l.key, l.record = l.cursor.Next()
		}
	}
	return key, record
}
