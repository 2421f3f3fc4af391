package socket

import (
	"net"
	"sync"
	"time"
)

// A pipe is the queue that all bytes of a connection pass, and what the library
// takes for the connection.
type pipe struct {
	net.Conn
	try    func([]byte) (int, error) // writes what goes out at once; nil if that is not possible
	closed chan struct{}
	once   sync.Once
	first  []byte // what was read during the handshake; owned by the reading side

	turn turn // held while bytes go out

	// Guarded by turn.
	rest []byte // of a frame that was offered
	err  error  // why nothing can be sent any more
}

func newPipe(conn, below net.Conn, first []byte) *pipe {
	p := &pipe{Conn: conn, closed: make(chan struct{}), turn: newTurn(), first: append([]byte(nil), first...)}
	if below != nil {
		p.try = tryWriter(below)
	}
	_ = conn.SetWriteDeadline(time.Time{}) // the one of the handshake would end a later attempt
	return p
}

func (p *pipe) Read(b []byte) (int, error) {
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
	if err := p.turn.lock(p.closed); err != nil {
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
	if err := p.turn.lock(p.closed); err != nil {
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
		n, err := p.try(b)
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
	switch n, p.err = p.try(b); {
	case n == 0 || p.err != nil:
		return Busy
	case n < len(b):
		p.rest = b[n:]
		return Begun
	}
	return Sent
}

func (p *pipe) Close() error {
	p.once.Do(func() { close(p.closed) })
	return p.Conn.Close()
}

// A turn is a lock that may be held for as long as the network takes.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

// lock waits for the turn, or until the connection is closed.
func (t turn) lock(closed <-chan struct{}) error {
	select {
	case t <- struct{}{}:
		return nil
	case <-closed:
		return net.ErrClosed
	}
}

func (t turn) tryLock() bool {
	select {
	case t <- struct{}{}:
		return true
	default:
		return false
	}
}

func (t turn) unlock() { <-t }
