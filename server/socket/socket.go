// Package socket is the server's end of a WebSocket. A library shakes hands,
// reads, and looks after control frames. What is sent goes past it, for three
// reasons: a frame of a server is not masked, so one that goes to many clients
// can be made once; who writes to many clients must not wait for any of them; and
// a connection that does nothing should take little memory.
//
// All bytes of a connection pass one queue. The library writes whole control
// frames into it, this package whole frames of text, and the rest of a frame that
// did not fit goes out before anything else does.
package socket

import (
	"bufio"
	"net"
	"net/http"

	"github.com/coder/websocket"
)

// A Conn is a connection after its handshake. Its methods may be called
// concurrently, but for those of one Message.
type Conn struct {
	*websocket.Conn // to read, ping and close, not to send messages
	out             pipe
	text            turn // held for the time of a message
}

// The sizes of the buffers of a connection: for most sets of a client, and for the
// largest control frame of the library, which it has to write whole.
const (
	readBuffer  = 512
	writeBuffer = 2 + 125
)

// Accept shakes hands. The handler may then return, and everything that the web
// server has for the connection is free again; the request is not to be used any
// more. Frames that are offered are written to below, which is what the
// connection of the request writes to, or nil if that is unknown.
func Accept(w http.ResponseWriter, r *http.Request, below net.Conn, options *websocket.AcceptOptions) (*Conn, error) {
	c := new(Conn)
	conn, err := websocket.Accept(&hijacker{w, below, &c.out}, r, options)
	if err != nil {
		return nil, err
	}
	c.Conn, c.text = conn, newTurn(c.out.closed)
	return c, nil
}

// A hijacker gives the library a connection with small buffers.
type hijacker struct {
	http.ResponseWriter
	below net.Conn
	out   *pipe // begins when it is hijacked
}

// Hijack implements http.Hijacker.
func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffers, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	// Clients speak right behind the handshake: something may have been read.
	first, err := buffers.Reader.Peek(buffers.Reader.Buffered())
	if err != nil {
		return nil, nil, err
	}
	h.out.begin(conn, h.below, first)
	return h.out, bufio.NewReadWriter(bufio.NewReaderSize(h.out, readBuffer), bufio.NewWriterSize(h.out, writeBuffer)), nil
}

// LimitMessages has a message of more bytes fail the reading with ErrTooLong when its
// header has come. It is to be called before anything is read; 0 is no limit.
func (c *Conn) LimitMessages(bytes int64) { c.out.lengths.limit = bytes }

// TooLong reports whether a message over the limit has been announced.
func (c *Conn) TooLong() bool { return c.out.lengths.tooLong.Load() }

// Write sends a message.
func (c *Conn) Write(text []byte) error {
	return c.WriteFrames(AppendFrame(nil, text))
}

// WriteFrames sends messages that AppendFrame has made frames of.
func (c *Conn) WriteFrames(frames []byte) error {
	if err := c.text.lock(); err != nil {
		return err
	}
	defer c.text.unlock()
	return c.out.write(frames)
}

// Ask sends a ping, and does not wait for the answer. Unlike the library, which breaks
// the connection after 5 s, it waits for as long as what goes out before it takes.
func (c *Conn) Ask(payload string) error { return c.control(ping, payload) }

// Answer sends a pong, likewise.
func (c *Conn) Answer(payload []byte) error { return c.control(pong, string(payload)) }

func (c *Conn) control(kind byte, payload string) error {
	return c.out.write(append(appendHeader(nil, last|kind, len(payload)), payload...))
}

// A Message is sent in pieces. One that is begun and not ended takes its
// connection with it: nobody else can send anything.
type Message struct {
	conn  *Conn
	begun bool
}

// Begin returns a message of which nothing has been sent.
func (c *Conn) Begin() Message { return Message{conn: c} }

// Write sends a piece of the message, which stands in b behind Headroom bytes that
// are written over.
func (m *Message) Write(b []byte, last bool) error {
	first := !m.begun
	if first {
		if err := m.conn.text.lock(); err != nil {
			return err
		}
		m.begun = true
	}
	err := m.conn.out.write(putHeader(b, first, last))
	if last {
		m.conn.text.unlock()
	}
	return err
}

// A Reception says what became of a frame that was offered.
type Reception int

// What becomes of frames.
const (
	Busy  Reception = iota // none of it was taken
	Begun                  // some of it; Flush sends the rest
	Sent
)

// Below returns how many bytes were written to what is below the connection of the
// request, past that connection.
func (c *Conn) Below() int64 { return c.out.tried.Load() }

// CanOffer reports whether frames can be sent without waiting.
func (c *Conn) CanOffer() bool { return c.out.try != nil }

// Offer sends frames as far as that goes without waiting. There may be no message
// under way. What is left of the frames is kept, and they must not change. An error
// is for the next one to find who sends something.
func (c *Conn) Offer(frames []byte) Reception {
	return c.out.offer(frames)
}

// Flush sends what is left of frames that were offered.
func (c *Conn) Flush() error { return c.out.write(nil) }
