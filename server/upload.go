package server

import (
	"context"
	"errors"
	"time"

	"syncabled/protocol"
	"syncabled/revlog"
)

// This file is about clients whose first upload was committed, and which may not have
// heard of it. Such a client uploads once more all that it has, and says that it has no
// position. What it deleted in between is in no upload, so the objects of the first one
// that are missing in this one are repaired.
//
// A client that has the acknowledgement may have no position either: its first batch was
// lost. Its objects are no longer sent to it then, because it may hold more of them than
// JSON can say. So it is found out as soon as possible whether it has.

// An upload is what a connection has brought of the objects of a client that may have to
// upload them again.
type upload struct {
	objects map[revlog.Name]struct{} // that it creates
	isNone  bool                     // it changes others, so it is not all that the client has
	isDue   bool                     // what is missing in it is to be repaired; static once the client has subscribed
	isAsked bool                     // the client is asked whether it has the acknowledgement
}

// mostMissing is how many objects are repaired one by one. If there are more, the client
// gets all of its own objects.
const mostMissing = 1000

// mayUploadAgain reports whether the client wrote something on an earlier connection
// and may not have heard that it was committed.
func (s *session) mayUploadAgain() bool { return s.known.Known && !s.known.Confirmed }

// noteUpload notes what a set has of an upload. A set that may be older than what another
// connection brought says nothing.
func (s *session) noteUpload(msg protocol.Changes) {
	if !s.mayUploadAgain() || s.subscribed || s.composed.stale || msg.Base != 0 {
		return
	}
	u := &s.upload
	for _, c := range msg.Changes {
		name := revlog.Name{Table: c.Table, Key: c.Key}
		switch _, created := u.objects[name]; {
		case c.Type != protocol.Create:
			u.isNone = u.isNone || !created && c.Type == protocol.Update
		case u.objects == nil:
			u.objects = map[revlog.Name]struct{}{}
			fallthrough
		default:
			u.objects[name] = struct{}{}
		}
	}
}

// missing returns the objects that the client alone has written and that are missing in
// its upload, if that is due. It returns false if there are too many.
func (s *session) missing(ctx context.Context) (names []revlog.Name, ok bool, err error) {
	if !s.upload.isDue || s.upload.isNone {
		return nil, true, nil
	}
	uploaded := s.upload.objects
	s.upload.isDue, s.upload.objects = false, nil
	query := revlog.Query{Reader: s.identity, Mine: true, Tables: s.tables.all()}
	for {
		found := nameList{}
		query.Encoder = &found
		page, err := s.db.log.Read(ctx, query)
		if err != nil {
			return nil, false, err
		}
		for _, name := range found.names {
			if _, there := uploaded[name]; !there {
				names = append(names, name)
			}
		}
		switch {
		case len(names) > mostMissing:
			return nil, false, nil
		case !page.Partial:
			return names, true, nil
		}
		query.Cursor = page.Next
	}
}

// confirmAfter is how long a client has for storing that a set was acknowledged, before
// it is asked for an answer that shows that it has the acknowledgement.
const confirmAfter = time.Second

// awaitConfirmation finds out whether the client has the acknowledgement of its first
// set.
func (s *session) awaitConfirmation() {
	if s.known.Confirmed || s.upload.isAsked {
		return
	}
	s.upload.isAsked = true
	s.alarms.set(confirmAfter, func(*time.Timer) {
		if s.ping(context.Background(), s.server.config.PingTimeout) != nil {
			return
		}
		_, err := s.db.log.Submit(context.Background(), revlog.Confirm{Client: s.identity})
		if err != nil && !errors.Is(err, revlog.ErrClosed) {
			s.logger().Error().Err(err).Str("client", s.identity).Msg("note that a client has an acknowledgement")
		}
	})
}

// A nameList is a revlog.Encoder that keeps the names of objects, and nothing else.
type nameList struct{ names []revlog.Name }

// AppendChange keeps the name of a change's object.
func (l *nameList) AppendChange(out []byte, _ int, c protocol.Change) []byte {
	l.names = append(l.names, revlog.Name{Table: c.Table, Key: c.Key})
	return out
}

// AppendCreate keeps the name of an object.
func (l *nameList) AppendCreate(out []byte, _ int, table string, key, _ []byte) []byte {
	l.names = append(l.names, revlog.Name{Table: table, Key: protocol.Key(key)})
	return out
}
