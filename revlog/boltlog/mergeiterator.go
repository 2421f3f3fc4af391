package boltlog

import (
	"bytes"

	"go.etcd.io/bbolt"
)

// A mergeIterator walks in key order through records that lie in several buckets. Of a
// key that several have, the first one counts.
type mergeIterator struct{ sources []source }

type source struct {
	cursor      *bbolt.Cursor
	key, record []byte
}

// seekRecords begins after a key.
func seekRecords(buckets []*bbolt.Bucket, after string) mergeIterator {
	m := mergeIterator{make([]source, len(buckets))}
	for i, bucket := range buckets {
		m.sources[i] = seekAfter(bucket, []byte(after))
	}
	return m
}

func seekAfter(bucket *bbolt.Bucket, after []byte) source {
	s := source{cursor: bucket.Cursor()}
	s.key, s.record = s.cursor.Seek(after)
	if s.key != nil && bytes.Equal(s.key, after) {
		s.key, s.record = s.cursor.Next()
	}
	return s
}

// next returns the next record, a nil key if there is none.
func (m *mergeIterator) next() (key, record []byte) {
	if len(m.sources) != 1 {
		return m.nextOfSeveral()
	}
	s := &m.sources[0]
	if key, record = s.key, s.record; key != nil {
		s.key, s.record = s.cursor.Next()
	}
	return key, record
}

func (m *mergeIterator) nextOfSeveral() (key, record []byte) {
	for i := range m.sources {
		if s := &m.sources[i]; s.key != nil && (key == nil || bytes.Compare(s.key, key) < 0) {
			key, record = s.key, s.record
		}
	}
	if key == nil {
		return nil, nil
	}
	for i := range m.sources {
		if s := &m.sources[i]; s.key != nil && bytes.Equal(s.key, key) {
			s.key, s.record = s.cursor.Next()
		}
	}
	return key, record
}
