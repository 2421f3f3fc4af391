package main

import (
	"encoding/json"
	"strconv"

	"syncabled/protocol"
)

// A message is what a server sent, decoded and compared with the ledger.
type message struct {
	kind     string
	request  string // JSON, of an ack
	identity string
	text     string // of an error
	revision uint64
	partial  bool
	foreign  int // changes of other runs
	changes  []ref
}

const mostDecoded = 256

// decode decodes a frame. The same frame goes to many clients; it is decoded
// for the first.
func (l *ledger) decode(frame []byte) (*message, error) {
	l.mu.Lock()
	m := l.decoded[string(frame)]
	l.mu.Unlock()
	if m != nil {
		return m, nil
	}
	m, err := l.decodeNew(frame)
	if err != nil || m.kind != "changes" || len(frame) > 64<<10 {
		return m, err
	}
	l.mu.Lock()
	if len(l.decoded) >= mostDecoded {
		clear(l.decoded)
	}
	l.decoded[string(frame)] = m
	l.mu.Unlock()
	return m, nil
}

func (l *ledger) decodeNew(frame []byte) (*message, error) {
	if m := l.decodeAlike(frame); m != nil {
		return m, nil
	}
	return l.parse(frame)
}

func (l *ledger) parse(frame []byte) (*message, error) {
	if !json.Valid(frame) {
		return nil, violationf("not the protocol", "not JSON: %s", excerpt(frame))
	}
	var m message
	var revision, changes, partial []byte
	for name, value := range protocol.Members(frame) {
		switch name {
		case "type":
			m.kind = text(value)
		case "requestId":
			m.request = string(value)
		case "clientIdentity":
			m.identity = text(value)
		case "message":
			m.text = text(value)
		case "currentRevision":
			revision = value
		case "changes":
			changes = value
		case "partial":
			partial = value
		}
	}
	if m.kind != "changes" {
		return &m, nil
	}
	m.partial = string(partial) == "true"
	var err error
	if m.revision, err = strconv.ParseUint(string(revision), 10, 64); err != nil && string(revision) != "null" {
		return nil, violationf("not the protocol", "currentRevision is %s", excerpt(revision))
	}
	if err := l.parseChanges(&m, changes); err != nil {
		return nil, err
	}
	if len(m.changes) > 0 && m.foreign == 0 {
		l.learn(frame, changes)
	}
	return &m, nil
}

func (l *ledger) parseChanges(m *message, changes []byte) error {
	var scratch []byte
	for _, change := range protocol.Elements(changes) {
		r, ours, err := l.check(change, &scratch)
		switch {
		case err != nil:
			return err
		case ours:
			m.changes = append(m.changes, r)
		default:
			m.foreign++
		}
	}
	return nil
}

func text(value []byte) string {
	if len(value) == 0 || value[0] != '"' {
		return ""
	}
	return protocol.Unquote(value)
}
