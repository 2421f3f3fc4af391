package server

import "sync"

// A draft is memory that an acknowledgement, and the batch that goes out with it, are
// made in. Sessions take turns with it.
type draft struct {
	message []byte // the batch
	frames  []byte // both, as they go out
}

// largestDraft is the most that is kept for the next one.
const largestDraft = 64 << 10

var drafts = sync.Pool{New: func() any { return new(draft) }}

// reuse gives the memory to another session. Nothing may refer to it any more.
func (d *draft) reuse() {
	if cap(d.message) > largestDraft || cap(d.frames) > largestDraft {
		return
	}
	if spoil != nil {
		spoil(d.message)
		spoil(d.frames)
	}
	d.message, d.frames = d.message[:0], d.frames[:0]
	drafts.Put(d)
}
