package protocol

import "strconv"

// AppendIdentity appends the message that gives a client its identity.
func AppendIdentity(frame []byte, identity string) []byte {
	frame = append(frame, `{"type":"clientIdentity","clientIdentity":`...)
	return append(AppendQuote(frame, identity), '}')
}

// AppendAck appends the acknowledgement of a request. The id is the JSON number
// that came with the request.
func AppendAck(frame []byte, requestID string) []byte {
	frame = append(frame, `{"type":"ack","requestId":`...)
	return append(append(frame, requestID...), '}')
}

// AppendError appends the message for a frame that is not the protocol.
func AppendError(frame []byte, err *Error) []byte {
	frame = append(frame, `{"type":"error","requestId":`...)
	if err.RequestID == "" {
		frame = append(frame, "null"...)
	}
	frame = append(frame, err.RequestID...)
	frame = append(frame, `,"message":`...)
	return append(AppendQuote(frame, err.Message), '}')
}

// AppendClear appends the message that tells a client that everything it holds is
// to be replaced by what comes next. It is a complete message without changes.
func AppendClear(frame []byte) []byte {
	return append(frame, `{"type":"changes","changes":[],"currentRevision":0,"partial":false,"clear":true}`...)
}

// AppendChanges appends a message of changes that takes the client to the
// position current, or, if partial, leaves it there.
func AppendChanges(frame []byte, changes []Change, current Revision, partial bool) []byte {
	return EndChanges(AppendList(BeginChanges(frame), changes), current, partial)
}

// BeginChanges appends the beginning of a message of changes, for one that is
// sent in pieces. AppendList continues it, and EndChanges ends it.
func BeginChanges(frame []byte) []byte {
	return append(frame, `{"type":"changes","changes":[`...)
}

// AppendList appends changes with commas between them.
func AppendList(out []byte, changes []Change) []byte {
	for i, change := range changes {
		if i > 0 {
			out = append(out, ',')
		}
		out = AppendChange(out, change)
	}
	return out
}

// EndChanges appends the end of a message of changes; see AppendChanges.
func EndChanges(frame []byte, current Revision, partial bool) []byte {
	frame = append(frame, `],"currentRevision":`...)
	frame = strconv.AppendUint(frame, uint64(current), 10)
	frame = append(frame, `,"partial":`...)
	return append(strconv.AppendBool(frame, partial), '}')
}

// AppendChange appends the JSON of one change.
func AppendChange(out []byte, change Change) []byte {
	if change.Type == Create {
		return appendCreate(out, change.Table, change.Key, change.Obj)
	}
	out = appendName(out, change.Type, change.Table, change.Key)
	if change.Type == Update {
		out = append(out, `,"mods":`...)
		out = append(out, change.Mods...)
	}
	return append(out, '}')
}

// A ListEncoder writes changes as the elements of a list in JSON: each method appends
// one to out, of which the list has n elements before.
type ListEncoder struct{}

// AppendChange appends a change.
func (ListEncoder) AppendChange(out []byte, n int, change Change) []byte {
	return AppendChange(separate(out, n), change)
}

// AppendCreate appends a change that makes an object, given the JSON of its key.
func (ListEncoder) AppendCreate(out []byte, n int, table string, key, obj []byte) []byte {
	return appendCreate(separate(out, n), table, key, obj)
}

func separate(out []byte, n int) []byte {
	if n > 0 {
		out = append(out, ',')
	}
	return out
}

func appendCreate[K Key | []byte](out []byte, table string, key K, obj []byte) []byte {
	out = appendName(out, Create, table, key)
	out = append(out, `,"obj":`...)
	out = append(out, obj...)
	return append(out, '}')
}

func appendName[K Key | []byte](out []byte, of ChangeType, table string, key K) []byte {
	out = append(out, `{"type":`...)
	out = append(out, '0'+byte(of))
	out = append(out, `,"table":`...)
	out = AppendQuote(out, table)
	out = append(out, `,"key":`...)
	return append(out, key...)
}
