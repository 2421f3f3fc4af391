package socket

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// A pipe is the queue that all bytes of a connection pass, and what the library
// takes for the connection.
type pipe struct {
	net.Conn
	try    Trier  // nil if nothing can be written without waiting
	tcp    tcpTry // what try is for TCP
	closed chan struct{}
	once   sync.Once

	// Owned by the reading side.
	first   []byte // what was read during the handshake
	lengths lengths

	turn  turn         // held while bytes go out
	tried atomic.Int64 // bytes that try took

	// Guarded by turn.
	rest []byte // of a frame that was offered
	err  error  // why nothing can be sent any more
}

// begin makes a pipe of a connection. If below is not nil, it is what the connection
// writes to.
func (p *pipe) begin(conn, below net.Conn, first []byte) {
	p.Conn, p.first = conn, append([]byte(nil), first...)
	p.closed = make(chan struct{})
	p.turn = newTurn(p.closed)
	switch below := below.(type) {
	case Trier:
		p.try = below
	case *net.TCPConn:
		if p.tcp.begin(below) {
			p.try = &p.tcp
		}
	}
	_ = conn.SetWriteDeadline(time.Time{}) // the one of the handshake would end a later attempt
}

// Read reads, and tells of a message that is too long together with its header. The
// library's buffer hands out what came with an error before the error, so messages
// before that one are read as ever.
func (p *pipe) Read(b []byte) (int, error) {
	n, err := p.read(b)
	if p.lengths.exceed(b[:n]) {
		return n, ErrTooLong
	}
	return n, err
}

func (p *pipe) read(b []byte) (int, error) {
	if len(p.first) > 0 {
		n := copy(b, p.first)
		if p.first = p.first[n:]; len(p.first) == 0 {
			p.first = nil
		}
		return n, nil
	}
	return p.Conn.Read(b)
}

// Write sends a control frame of the library. Nothing goes out after one that
// closes.
func (p *pipe) Write(frame []byte) (int, error) {
	if err := p.turn.lock(); err != nil {
		return 0, err
	}
	defer p.turn.unlock()
	err := p.send(frame)
	if err != nil {
		return 0, err
	}
	if frame[0]&opcodes == closing {
		p.err = net.ErrClosed
	}
	return len(frame), nil
}

func (p *pipe) write(frames []byte) error {
	if err := p.turn.lock(); err != nil {
		return err
	}
	defer p.turn.unlock()
	return p.send(frames)
}

// send sends bytes behind what is left of those before. The caller holds the turn.
func (p *pipe) send(b []byte) error {
	rest := p.rest
	p.rest = nil
	if len(rest) > 0 {
		p.sendAll(rest)
	}
	if len(b) > 0 {
		p.sendAll(b)
	}
	return p.err
}

// sendAll sends bytes, at once if they fit. The connection may have deadlines of
// its own, but there is none when it is not writing.
func (p *pipe) sendAll(b []byte) {
	if p.err != nil {
		return
	}
	if p.try != nil {
		n, err := p.tryWrite(b)
		if b = b[n:]; err != nil || len(b) == 0 {
			p.err = err
			return
		}
	}
	if _, p.err = p.Conn.Write(b); p.err == nil {
		p.err = p.Conn.SetWriteDeadline(time.Time{})
	}
}

// offer sends bytes as far as that goes without waiting.
func (p *pipe) offer(b []byte) Reception {
	if p.try == nil || !p.turn.tryLock() {
		return Busy
	}
	defer p.turn.unlock()
	if p.err != nil || len(p.rest) > 0 {
		return Busy
	}
	var n int
	switch n, p.err = p.tryWrite(b); {
	case n == 0 || p.err != nil:
		return Busy
	case n < len(b):
		p.rest = b[n:]
		return Begun
	}
	return Sent
}

func (p *pipe) tryWrite(b []byte) (int, error) {
	n, err := p.try.TryWrite(b)
	p.tried.Add(int64(n))
	return n, err
}

func (p *pipe) Close() error {
	p.once.Do(func() { close(p.closed) })
	return p.Conn.Close()
}
