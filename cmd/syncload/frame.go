package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"
)

// The opcodes of frames (RFC 6455, section 5.2).
const (
	opContinue = 0x0
	opText     = 0x1
	opClose    = 0x8
	opPing     = 0x9
	opPong     = 0xA
)

const (
	finBit       = 0x80
	reservedBits = 0x70
	maskBit      = 0x80
	longestFrame = 1 << 30 // more than any server has reason to send
)

// errFrame says that what came is no frame that a server may send.
var errFrame = errors.New("not a frame of a server")

// A frameReader reads messages from a socket after the handshake.
//
// A WebSocket library keeps a goroutine, timers or kilobytes per connection. A
// load generator that shares two cores with the server it measures, and holds
// 10,000 connections, cannot: this reader is one small buffer that grows to the
// message in hand and shrinks again. It survives a read deadline: the next call
// goes on where the last one stopped.
type frameReader struct {
	conn      net.Conn
	buf       []byte // what has been read and not consumed is buf[start:end]
	start     int
	end       int
	message   []byte    // the frames so far of a message in several
	within    bool      // such a message is under way
	lastRead  time.Time // when bytes last came
	firstByte time.Time // when the message in hand began to come
	bytes     int64     // that came since the handshake
	keeps     bool      // messages stay valid: what was read stays where it is
}

const smallBuffer = 1 << 10

func newFrameReader(conn net.Conn, first []byte) *frameReader {
	r := &frameReader{conn: conn, buf: make([]byte, max(smallBuffer, len(first))), lastRead: time.Now()}
	r.end = copy(r.buf, first)
	r.bytes = int64(r.end)
	return r
}

// next returns the next message, or the payload of the next control frame. It
// is valid until the next call, unless they are kept.
func (r *frameReader) next() (opcode byte, payload []byte, err error) {
	for {
		head, payload, err := r.frame()
		if err != nil {
			return 0, nil, err
		}
		opcode, fin := head&0xF, head&finBit != 0
		switch {
		case opcode >= opClose:
			if !fin {
				return 0, nil, fmt.Errorf("%w: a control frame in parts", errFrame)
			}
			return opcode, payload, nil
		case (opcode == opContinue) != r.within:
			return 0, nil, fmt.Errorf("%w: opcode %d out of turn", errFrame, opcode)
		case opcode != opContinue && opcode != opText:
			return 0, nil, fmt.Errorf("%w: opcode %d, where text is the protocol", errFrame, opcode)
		case fin && !r.within:
			return opText, payload, nil
		}
		switch {
		case r.within: // if what was read stays, this moves the frame up to the one before
			r.message = append(r.message, payload...)
		case r.keeps:
			r.message = payload
		default:
			r.message = bytes.Clone(payload)
		}
		r.within = !fin
		if len(r.message) > longestFrame {
			return 0, nil, fmt.Errorf("%w: a message of over %d bytes", errFrame, longestFrame)
		}
		if fin {
			return opText, r.message, nil
		}
	}
}

// keep has messages stay valid from now on, and gives memory for them. If it is not
// enough, there is more to be had.
func (r *frameReader) keep(memory []byte) {
	unread := append(memory[:0], r.buf[r.start:r.end]...)
	r.keeps = true
	r.buf, r.start, r.end = unread[:cap(unread)], 0, len(unread)
}

// frame returns the first byte and the payload of the next frame.
func (r *frameReader) frame() (byte, []byte, error) {
	if r.start == r.end && !r.keeps {
		r.start, r.end = 0, 0
		if len(r.buf) > smallBuffer && !r.within {
			r.buf = make([]byte, smallBuffer)
		}
	}
	if err := r.fill(2); err != nil {
		return 0, nil, err
	}
	if !r.within {
		r.firstByte = r.lastRead
	}
	head, length := r.buf[r.start], int(r.buf[r.start+1])
	switch {
	case head&reservedBits != 0:
		return 0, nil, fmt.Errorf("%w: reserved bits", errFrame)
	case length&maskBit != 0:
		return 0, nil, fmt.Errorf("%w: masked", errFrame)
	case head&0xF >= opClose && length > 125:
		return 0, nil, fmt.Errorf("%w: a control frame of over 125 bytes", errFrame)
	}
	header := 2
	switch length {
	case 126:
		header = 4
		if err := r.fill(header); err != nil {
			return 0, nil, err
		}
		length = int(binary.BigEndian.Uint16(r.buf[r.start+2:]))
	case 127:
		header = 10
		if err := r.fill(header); err != nil {
			return 0, nil, err
		}
		long := binary.BigEndian.Uint64(r.buf[r.start+2:])
		if long > longestFrame {
			return 0, nil, fmt.Errorf("%w: a frame of %d bytes", errFrame, long)
		}
		length = int(long)
	}
	if err := r.fill(header + length); err != nil {
		return 0, nil, err
	}
	payload := r.buf[r.start+header : r.start+header+length]
	r.start += header + length
	return head, payload, nil
}

// fill reads until n bytes are in the buffer.
func (r *frameReader) fill(n int) error {
	if r.end-r.start >= n {
		return nil
	}
	if r.start > 0 && len(r.buf)-r.start < n && !r.keeps {
		r.end = copy(r.buf, r.buf[r.start:r.end])
		r.start = 0
	}
	for r.end-r.start < n {
		if r.end == len(r.buf) {
			// Growing with what has come, and not with what was announced.
			grown := make([]byte, min(max(2*len(r.buf), smallBuffer), max(n, smallBuffer)+smallBuffer))
			r.end = copy(grown, r.buf[r.start:r.end])
			r.start = 0
			r.buf = grown
		}
		got, err := r.conn.Read(r.buf[r.end:])
		r.end += got
		r.bytes += int64(got)
		if got > 0 {
			r.lastRead = time.Now()
		} else if err != nil {
			return err
		}
	}
	return nil
}

// appendFrame appends a frame of a client. The masking key is zero, which leaves
// the payload as it is: to the server it is a key like any other, and the client
// saves the pass over the bytes.
func appendFrame(out []byte, opcode byte, payload []byte) []byte {
	out = append(out, finBit|opcode)
	switch n := len(payload); {
	case n < 126:
		out = append(out, maskBit|byte(n))
	case n < 1<<16:
		out = binary.BigEndian.AppendUint16(append(out, maskBit|126), uint16(n))
	default:
		out = binary.BigEndian.AppendUint64(append(out, maskBit|127), uint64(n))
	}
	out = append(out, 0, 0, 0, 0)
	return append(out, payload...)
}
