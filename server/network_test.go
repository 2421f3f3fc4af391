package server_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// A network joins clients to a server in the same process. It is the server's
// listener. Its connections hold a bounded number of bytes on their way, as
// those of a kernel do, and live by the clock of a synctest bubble.
type network struct {
	arriving  chan net.Conn
	closed    chan struct{}
	closeOnce sync.Once

	mu      sync.Mutex
	dialled int
}

func newNetwork() *network {
	return &network{arriving: make(chan net.Conn), closed: make(chan struct{})}
}

func (n *network) Accept() (net.Conn, error) {
	select {
	case conn := <-n.arriving:
		return conn, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

func (n *network) Close() error {
	n.closeOnce.Do(func() { close(n.closed) })
	return nil
}

func (n *network) Addr() net.Addr { return address("192.0.2.1:80") }

// dial connects a client. Every connection comes from another port of one host.
func (n *network) dial(ctx context.Context) (*link, error) {
	n.mu.Lock()
	n.dialled++
	from := address(fmt.Sprintf("192.0.2.7:%d", 40_000+n.dialled))
	n.mu.Unlock()
	l := newLink(from, n.Addr())
	select {
	case n.arriving <- l.server:
		return l, nil
	case <-n.closed:
		return nil, syscall.ECONNREFUSED
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

type address string

func (address) Network() string  { return "memory" }
func (a address) String() string { return string(a) }

// A link is a connection: two ends, and a line in each direction.
type link struct {
	up, down       *line
	client, server *end
}

func newLink(client, server net.Addr) *link {
	up, down := newLine(), newLine()
	return &link{
		up:     up,
		down:   down,
		client: &end{in: down, out: up, local: client, remote: server},
		server: &end{in: up, out: down, local: server, remote: client},
	}
}

// cut breaks the connection. What was on its way is lost.
func (l *link) cut() {
	l.up.change(func() { l.up.cut = true })
	l.down.change(func() { l.down.cut = true })
}

// hold keeps what the server writes from the client, or lets it through.
func (l *link) hold(held bool) {
	l.down.change(func() { l.down.held = held })
}

// serverClosed reports whether the server has closed its end.
func (l *link) serverClosed() bool {
	l.up.mu.Lock()
	defer l.up.mu.Unlock()
	return l.up.readerGone
}

// An end is one side's net.Conn.
type end struct {
	in, out       *line
	local, remote net.Addr
}

func (e *end) Read(b []byte) (int, error)  { return e.in.read(b) }
func (e *end) Write(b []byte) (int, error) { return e.out.write(b) }
func (e *end) LocalAddr() net.Addr         { return e.local }
func (e *end) RemoteAddr() net.Addr        { return e.remote }

// TryWrite implements socket.Trier.
func (e *end) TryWrite(b []byte) (int, error) { return e.out.tryWrite(b) }

// Unacknowledged implements socket.Meter: the peer acknowledges what it reads.
func (e *end) Unacknowledged() (int, bool) {
	e.out.mu.Lock()
	defer e.out.mu.Unlock()
	return len(e.out.bytes), true
}

func (e *end) Close() error {
	e.in.change(func() { e.in.readerGone = true })
	e.out.change(func() { e.out.writerGone = true })
	return nil
}

func (e *end) SetDeadline(t time.Time) error {
	e.in.setDeadline(&e.in.reading, t)
	e.out.setDeadline(&e.out.writing, t)
	return nil
}

func (e *end) SetReadDeadline(t time.Time) error {
	e.in.setDeadline(&e.in.reading, t)
	return nil
}

func (e *end) SetWriteDeadline(t time.Time) error {
	e.out.setDeadline(&e.out.writing, t)
	return nil
}

// lineCapacity is how many bytes most lines take in before a writer has to wait.
const lineCapacity = 64 << 10

// A line carries bytes in one direction.
type line struct {
	mu      sync.Mutex
	changed *sync.Cond

	// Guarded by mu.
	capacity         int // bytes that it takes in
	wanted           int // bytes that are free before it takes in some after it was full
	full             bool
	bytes            []byte
	writes           int
	held             bool // the reader gets nothing
	cut              bool
	readerGone       bool
	writerGone       bool
	reading, writing deadline
}

type deadline struct {
	timer  *time.Timer
	passed bool
}

func newLine() *line {
	l := &line{capacity: lineCapacity, wanted: 1}
	l.changed = sync.NewCond(&l.mu)
	return l
}

func (l *line) change(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
	l.changed.Broadcast()
}

func (l *line) setDeadline(d *deadline, t time.Time) {
	l.change(func() {
		if d.timer != nil {
			d.timer.Stop()
		}
		*d = deadline{passed: !t.IsZero() && !t.After(time.Now())}
		if t.IsZero() || d.passed {
			return
		}
		var timer *time.Timer
		timer = time.AfterFunc(time.Until(t), func() {
			l.change(func() { d.passed = d.passed || d.timer == timer })
		})
		d.timer = timer
	})
}

func (l *line) read(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		switch {
		case l.cut:
			return 0, syscall.ECONNRESET
		case l.readerGone:
			return 0, net.ErrClosed
		case l.reading.passed:
			return 0, os.ErrDeadlineExceeded
		case l.held:
		case len(l.bytes) > 0:
			n := copy(b, l.bytes)
			l.bytes = l.bytes[n:]
			l.changed.Broadcast()
			return n, nil
		case l.writerGone:
			return 0, io.EOF
		}
		l.changed.Wait()
	}
}

func (l *line) write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for written := 0; ; {
		n, err := l.put(b[written:])
		written += n
		if err != nil || written == len(b) {
			return written, err
		}
		l.changed.Wait()
	}
}

// enlarge has the line take in more. Once it is full it takes in nothing until a third is
// free, as Linux has a writer wait.
func (l *line) enlarge(capacity int) {
	l.change(func() { l.capacity, l.wanted = capacity, capacity/3 })
}

func (l *line) tryWrite(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.put(b)
}

// put takes in what there is room for. The caller holds mu.
func (l *line) put(b []byte) (int, error) {
	switch {
	case l.cut:
		return 0, syscall.ECONNRESET
	case l.writerGone:
		return 0, net.ErrClosed
	case l.readerGone:
		return 0, syscall.EPIPE
	case l.writing.passed:
		return 0, os.ErrDeadlineExceeded
	}
	free := l.capacity - len(l.bytes)
	if l.full = l.full && free < l.wanted; l.full {
		return 0, nil
	}
	n := min(len(b), free)
	l.full = n < len(b)
	l.bytes = append(l.bytes, b[:n]...)
	l.writes++
	l.changed.Broadcast()
	return n, nil
}

// written returns how often something was written.
func (l *line) written() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.writes
}
