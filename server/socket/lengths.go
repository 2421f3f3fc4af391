package socket

import (
	"errors"
	"sync/atomic"
)

// ErrTooLong is returned once by reads of a connection whose peer has announced a
// message over the limit, as soon as the header that announces it has come.
var ErrTooLong = errors.New("message is over the limit")

// lengths follows the frames that a peer sends (RFC 6455, section 5.2) as far as it
// takes to know how long its messages are. The library tells the length of a
// message only to who has read it. The zero value limits nothing.
type lengths struct {
	limit   int64  // most bytes of a message; 0 means any number
	message int64  // bytes that the frames of the present message have announced
	payload uint64 // of the frame at hand: bytes that are still to come, or, in a header, what has come of its length
	first   byte   // of the header
	at      uint8  // bytes of the header that have come; 0 is outside of headers
	mask    uint8  // where the length ends and the masking key begins
	end     uint8  // of the header

	tooLong atomic.Bool // a message has been announced that is over the limit; who closes a connection reads it, too
}

// exceed takes in what came next, and reports whether that announces a message over
// the limit. Then it limits nothing any more.
func (l *lengths) exceed(b []byte) bool {
	if l.limit == 0 {
		return false
	}
	for len(b) > 0 {
		if l.at == 0 && l.payload > 0 {
			n := min(uint64(len(b)), l.payload)
			l.payload -= n
			b = b[n:]
			continue
		}
		if l.take(b[0]) && l.isTooLong() {
			l.limit = 0
			l.tooLong.Store(true)
			return true
		}
		b = b[1:]
	}
	return false
}

// take takes in a byte of a header, and reports whether it is the last one.
func (l *lengths) take(c byte) bool {
	const masked, two, eight = 0x80, 126, 127
	switch l.at {
	case 0:
		l.first = c
	case 1:
		l.payload, l.mask = 0, 2
		switch size := c &^ masked; size {
		case two:
			l.mask += 2
		case eight:
			l.mask += 8
		default:
			l.payload = uint64(size)
		}
		l.end = l.mask
		if c&masked != 0 {
			l.end += 4
		}
	default:
		if l.at < l.mask {
			l.payload = l.payload<<8 | uint64(c)
		}
	}
	if l.at++; l.at < 2 || l.at < l.end {
		return false
	}
	l.at = 0
	return true
}

// isTooLong reports whether the frame whose header has come makes its message
// longer than it may be. Control frames may come between the frames of a message.
func (l *lengths) isTooLong() bool {
	switch kind := l.first & opcodes; {
	case kind >= closing:
		return false
	case kind != continuation:
		l.message = 0
	}
	if l.payload > uint64(l.limit-l.message) {
		return true
	}
	l.message += int64(l.payload)
	return false
}
