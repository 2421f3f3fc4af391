package server_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"
)

// A socket is a browser's WebSocket. Its callbacks are tasks of the page.
type socket struct {
	page *page
	name string
	wire *wire // nil until it is connected

	state  socketState
	opened bool
	in     []byte // what has arrived and is not a whole frame yet
	begun  []byte // message of which not all frames have come

	onOpen, onError, onClose func()
	onMessage                func(frame []byte)
}

type socketState int

const (
	socketConnecting socketState = iota
	socketOpen
	socketClosing
	socketClosed
)

// Opcodes of RFC 6455.
const (
	frameMore  = 0
	frameText  = 1
	frameClose = 8
	framePing  = 9
	framePong  = 10
)

// handshake is what a connection of a client begins with.
func (c *modelClient) handshake() string {
	return "GET / HTTP/1.1\r\nHost: sync.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n" +
		"Grant: " + c.grant() + "\r\n\r\n"
}

// newSocket starts to connect.
func (p *page) newSocket() *socket {
	c := p.client
	c.dialled++
	s := &socket{page: p, name: fmt.Sprintf("%s.%d", c.name, c.dialled)}
	p.sockets = append(p.sockets, s)
	rng := rand.New(rand.NewPCG(p.rng.Uint64(), 1))
	p.after(c.world.settings.latency(p.rng), func() {
		w := newWire(s, c.world.settings.latency, rng)
		if s.state != socketConnecting || !c.world.connect(c, w) {
			c.trace("%s is refused", s.name)
			s.end(true)
			return
		}
		c.trace("%s is connected", s.name)
		s.wire = w
		w.sendUp([]byte(c.handshake()))
	})
	return s
}

func (s *socket) sendJSON(msg any) {
	b, err := json.Marshal(msg)
	if err != nil {
		panic(err)
	}
	if s.state == socketOpen { // what is sent later goes nowhere
		s.sendFrame(frameText, b)
	}
}

// sendFrame sends a frame with a mask of zeros.
func (s *socket) sendFrame(opcode byte, payload []byte) {
	frame := []byte{0x80 | opcode}
	switch n := len(payload); {
	case n < 126:
		frame = append(frame, 0x80|byte(n))
	case n <= 0xFFFF:
		frame = binary.BigEndian.AppendUint16(append(frame, 0x80|126), uint16(n))
	default:
		frame = binary.BigEndian.AppendUint64(append(frame, 0x80|127), uint64(n))
	}
	frame = append(frame, 0, 0, 0, 0)
	s.wire.sendUp(append(frame, payload...))
}

// closingTime is how long a browser waits for the answer to a close.
const closingTime = 3 * time.Second

// close is WebSocket.close.
func (s *socket) close() {
	switch s.state {
	case socketConnecting:
		s.state = socketClosing
		s.page.after(0, func() { s.end(true) })
	case socketOpen:
		s.state = socketClosing
		s.sendFrame(frameClose, nil)
		s.page.after(closingTime, func() { s.end(false) })
	}
}

// arrived takes in bytes.
func (s *socket) arrived(b []byte) {
	s.page.task(func() {
		s.in = append(s.in, b...)
		if !s.opened {
			_, rest, found := bytes.Cut(s.in, []byte("\r\n\r\n"))
			if !found {
				return
			}
			if !bytes.HasPrefix(s.in, []byte("HTTP/1.1 101 ")) {
				s.page.client.world.fail("%s: handshake is answered with %q", s.name, s.in)
				return
			}
			s.opened, s.in = true, rest
			if s.state == socketConnecting {
				s.state = socketOpen
				s.onOpen()
			}
		}
		for s.takeFrame() {
		}
	})
}

// takeFrame handles one frame, if it is there.
func (s *socket) takeFrame() bool {
	if len(s.in) < 2 || s.state == socketClosed {
		return false
	}
	header, size := 2, int(s.in[1])
	switch size {
	case 126:
		if len(s.in) < 4 {
			return false
		}
		header, size = 4, int(binary.BigEndian.Uint16(s.in[2:]))
	case 127:
		if len(s.in) < 10 {
			return false
		}
		header, size = 10, int(binary.BigEndian.Uint64(s.in[2:]))
	}
	if len(s.in) < header+size {
		return false
	}
	last, opcode, payload := s.in[0]&0x80 != 0, s.in[0]&0x0F, bytes.Clone(s.in[header:header+size])
	s.in = s.in[header+size:]
	switch opcode {
	case frameText, frameMore:
		s.begun = append(s.begun, payload...)
		if !last {
			break
		}
		payload, s.begun = s.begun, nil
		if s.state == socketOpen {
			s.onMessage(payload)
		}
	case framePing:
		s.sendFrame(framePong, payload)
	case frameClose:
		if s.state == socketOpen {
			s.sendFrame(frameClose, payload)
		}
		s.end(false)
	}
	return true
}

// ended takes in that the connection has ended; hard if the network reports an
// error.
func (s *socket) ended(hard bool) {
	s.page.task(func() { s.end(hard || !s.opened) })
}

// end closes the socket and tells the page.
func (s *socket) end(withError bool) {
	if s.state == socketClosed {
		return
	}
	s.state = socketClosed
	if s.wire != nil {
		s.wire.hangUp()
	}
	s.page.client.trace("%s has closed", s.name)
	if withError {
		s.onError()
	}
	s.page.after(0, s.onClose)
}

// isLive reports whether the network still has the connection.
func (s *socket) isLive() bool {
	return s.wire != nil && s.state != socketClosed
}
