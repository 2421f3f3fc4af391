package socket

import (
	"encoding/binary"
	"slices"
)

// The first byte of frames (RFC 6455, section 5.2).
const (
	last         = 0x80
	continuation = 0x0
	text         = 0x1
	closing      = 0x8
	ping         = 0x9
	pong         = 0xA
	opcodes      = 0xF
)

// Headroom is the size of the largest header.
const Headroom = 10

// AppendFrame appends a message as one frame.
func AppendFrame(out, message []byte) []byte {
	out = slices.Grow(out, Headroom+len(message))
	return append(appendHeader(out, last|text, len(message)), message...)
}

func appendHeader(out []byte, first byte, size int) []byte {
	out = append(out, first)
	switch {
	case size < 126:
		return append(out, byte(size))
	case size < 1<<16:
		return binary.BigEndian.AppendUint16(append(out, 126), uint16(size))
	}
	return binary.BigEndian.AppendUint64(append(out, 127), uint64(size))
}

// putHeader puts a header in front of a piece of a message that has Headroom
// bytes before it, and returns the frame.
func putHeader(b []byte, isFirst, isLast bool) []byte {
	head := byte(continuation)
	if isFirst {
		head = text
	}
	if isLast {
		head |= last
	}
	var space [Headroom]byte
	header := appendHeader(space[:0], head, len(b)-Headroom)
	frame := b[Headroom-len(header):]
	copy(frame, header)
	return frame
}
