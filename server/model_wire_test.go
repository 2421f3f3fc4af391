package server_test

import (
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"syscall"
	"time"
)

// A wire is a network connection between a browser and the server. Each
// direction takes its time and keeps the order. It can be cut, with a part of
// what is under way still arriving, or go silent in one direction without
// anybody being told.
type wire struct {
	latency func(*rand.Rand) time.Duration
	socket  *socket
	inbox   *line // what has arrived at the server

	mu       sync.Mutex
	rng      *rand.Rand
	up, down direction
	isCut    bool
	refuses  bool // the server has been told that it is cut
}

type direction struct {
	last     time.Time // when the last packet arrives
	silent   bool
	ended    bool // nothing more can be sent
	inFlight []*packet
}

type packet struct{ lost bool }

func newWire(s *socket, latency func(*rand.Rand) time.Duration, rng *rand.Rand) *wire {
	return &wire{latency: latency, socket: s, inbox: newLine(), rng: rng}
}

// send has something happen at the other end.
func (w *wire) send(d *direction, arrive func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sendLocked(d, arrive)
}

func (w *wire) sendLocked(d *direction, arrive func()) {
	if d.silent || d.ended {
		return
	}
	at := time.Now().Add(w.latency(w.rng))
	if soonest := d.last.Add(time.Duration(1 + w.rng.IntN(1000))); at.Before(soonest) {
		at = soonest
	}
	d.last = at
	sent := new(packet)
	d.inFlight = append(d.inFlight, sent)
	time.AfterFunc(time.Until(at), func() {
		w.mu.Lock()
		lost := sent.lost
		if !lost {
			d.inFlight = d.inFlight[1:]
		}
		w.mu.Unlock()
		if !lost {
			arrive()
		}
	})
}

// sendUp sends bytes to the server.
func (w *wire) sendUp(b []byte) {
	w.send(&w.up, func() { w.inbox.change(func() { w.inbox.bytes = append(w.inbox.bytes, b...) }) })
}

// hangUp ends the browser's side.
func (w *wire) hangUp() {
	w.send(&w.up, func() { w.inbox.change(func() { w.inbox.writerGone = true }) })
	w.mu.Lock()
	defer w.mu.Unlock()
	w.up.ended = true
}

// cut breaks the connection. Of what is under way to the server and to the
// browser, a random first part arrives.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cutLocked(w.rng.IntN(len(w.up.inFlight) + 1))
}

// cutByServer breaks the connection because the server has died.
func (w *wire) cutByServer() {
	w.inbox.change(func() { w.inbox.cut = true })
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refuses = true
	w.cutLocked(0)
}

func (w *wire) cutLocked(arriving int) {
	if w.isCut {
		return
	}
	w.isCut = true
	w.lose(&w.up, arriving)
	w.lose(&w.down, w.rng.IntN(len(w.down.inFlight)+1))
	w.sendLocked(&w.up, func() {
		w.inbox.change(func() { w.inbox.cut = true })
		w.mu.Lock()
		w.refuses = true
		w.mu.Unlock()
	})
	hard := w.rng.IntN(8) == 0
	w.sendLocked(&w.down, func() { w.socket.ended(hard) })
	w.up.ended, w.down.ended = true, true
}

// lose loses all of what is under way but for the first part.
func (w *wire) lose(d *direction, arriving int) {
	for _, p := range d.inFlight[arriving:] {
		p.lost = true
	}
	d.inFlight = slices.Clip(d.inFlight[:arriving])
	d.silent, d.ended = false, false
}

// silence loses everything in one direction from now on.
func (w *wire) silence(d *direction) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.isCut {
		return
	}
	for _, p := range d.inFlight {
		p.lost = true
	}
	d.inFlight, d.silent = nil, true
}

// holdUp lets nothing arrive in one direction for a while, not even the end of the
// connection; then it does.
func (w *wire) holdUp(d *direction, while time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if until := time.Now().Add(while); !w.isCut && d.last.Before(until) {
		d.last = until
	}
}

// serverEnd is the server's side.
type serverEnd struct {
	*wire
	closeOnce sync.Once
}

func (e *serverEnd) Read(b []byte) (int, error) { return e.inbox.read(b) }

func (e *serverEnd) Write(b []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.refuses {
		return 0, syscall.EPIPE
	}
	b = slices.Clone(b)
	e.sendLocked(&e.down, func() { e.socket.arrived(b) })
	return len(b), nil
}

// TryWrite implements socket.Trier. A browser takes in everything, but to the
// server the connection is full now and then.
func (e *serverEnd) TryWrite(b []byte) (int, error) {
	e.mu.Lock()
	room := len(b)
	if e.rng.IntN(8) == 0 {
		room = e.rng.IntN(len(b) + 1)
	}
	e.mu.Unlock()
	if room == 0 {
		return 0, nil
	}
	return e.Write(b[:room])
}

func (e *serverEnd) Close() error {
	e.closeOnce.Do(func() {
		e.inbox.change(func() { e.inbox.readerGone = true })
		e.mu.Lock()
		defer e.mu.Unlock()
		e.sendLocked(&e.down, func() { e.socket.ended(false) })
		e.refuses, e.down.ended = true, true
	})
	return nil
}

func (e *serverEnd) LocalAddr() net.Addr  { return address("192.0.2.1:80") }
func (e *serverEnd) RemoteAddr() net.Addr { return address(e.socket.name) }

func (e *serverEnd) SetDeadline(t time.Time) error { return e.SetReadDeadline(t) }

func (e *serverEnd) SetReadDeadline(t time.Time) error {
	e.inbox.setDeadline(&e.inbox.reading, t)
	return nil
}

func (e *serverEnd) SetWriteDeadline(time.Time) error { return nil }

// A modelListener takes the connections that the model makes.
type modelListener struct {
	conns     chan net.Conn
	closed    chan struct{}
	closeOnce sync.Once
}

func newModelListener() *modelListener {
	return &modelListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *modelListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *modelListener) Close() error {
	l.closeOnce.Do(func() { close(l.closed) })
	return nil
}

func (l *modelListener) Addr() net.Addr { return address("192.0.2.1:80") }

// connect hands a connection to the server. It returns false if nobody listens.
func (l *modelListener) connect(conn net.Conn) bool {
	select {
	case l.conns <- conn:
		return true
	case <-l.closed:
		return false
	}
}
