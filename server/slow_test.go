package server_test

import (
	"context"
	"fmt"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"syncabled/server"
)

// largeBuffer is what a system may hold for a connection.
const largeBuffer = 2 << 20

// onSlowLine connects a client whose line takes so many bytes a second, and has a large
// buffer in front of it.
func onSlowLine(perSecond int) func(conn net.Conn) net.Conn {
	return func(conn net.Conn) net.Conn {
		conn.(*end).in.enlarge(largeBuffer)
		return slowConn{conn, perSecond}
	}
}

// objectsOf are creations of objects of 64 KiB, some MiB together.
func objectsOf(mebibytes int) []string {
	var list []string
	for i := range 16 * mebibytes {
		list = append(list, object(fmt.Sprint("k", i), 64<<10))
	}
	return list
}

// uploadTo has a client write some MiB, and leave.
func uploadTo(writer *client, mebibytes int) {
	writer.t.Helper()
	writer.send(identity("writer"), changes(1, objectsOf(mebibytes)...))
	writer.expect(firstAck)
	writer.cut()
}

// A buffer of the system hides what a client takes in: a writer may not go on for longer
// than the timeout, and then pings are answered late.
func TestClientBehindLargeBufferHasTime(t *testing.T) {
	for _, perSecond := range []int{40_000, 20_000, 10_000} {
		t.Run(fmt.Sprint(perSecond), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := startSite(t, server.Config{})
				uploadTo(s.connect("/", nil), 4)
				slow := s.connectThrough("/", nil, onSlowLine(perSecond))
				slow.send(identity("slow"), subscribe(0))
				expectDownload(t, slow, 5<<20/perSecond)
			})
		})
	}
}

func TestClientBehindLargeBufferHasTimeOverTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startEncrypted(t, server.Config{})
		uploadTo(s.connect(), 4)
		slow := s.connectBelow(onSlowLine(10_000))
		slow.send(identity("slow"), subscribe(0))
		expectDownload(t, slow, 5<<20/10_000)
	})
}

func expectDownload(t *testing.T, slow *client, seconds int) {
	t.Helper()
	time.Sleep(time.Duration(seconds) * time.Second)
	if n := len(slow.received()); n != 1 || !slow.isOpen() {
		t.Errorf("the client has %d batches and its connection is open: %t; want 1, true", n, slow.isOpen())
	}
	time.Sleep(5 * time.Minute)
	if !slow.isOpen() {
		t.Error("the connection ended afterwards")
	}
}

// A client that stops taking something in is closed, however much the system holds.
func TestClientBehindLargeBufferIsClosed(t *testing.T) {
	plain := func(t *testing.T) (*site, *client) {
		s := startSite(t, server.Config{})
		uploadTo(s.connect("/", nil), 4)
		return s, s.connectThrough("/", nil, onSlowLine(20_000))
	}
	encrypted := func(t *testing.T) (*site, *client) {
		s := startEncrypted(t, server.Config{})
		uploadTo(s.connect(), 4)
		return s.site, s.connectBelow(onSlowLine(20_000))
	}
	for name, start := range map[string]func(*testing.T) (*site, *client){"plain": plain, "TLS": encrypted} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, slow := start(t)
				slow.send(identity("slow"), subscribe(0))
				time.Sleep(63 * time.Second)
				slow.link.hold(true)
				time.Sleep(29 * time.Second)
				if !slow.isOpen() {
					t.Fatal("closed before the write timeout")
				}
				time.Sleep(7 * time.Second)
				if slow.isOpen() {
					t.Error("open 6 s after the write timeout")
				}
				for _, event := range s.events.about("connection ended") {
					if event["client"] == "slow" && event["code"] != 1006.0 {
						t.Errorf("logged %v", event)
					}
				}
			})
		})
	}
}

// A frame that the publisher sent is all that is on the line, so nobody waits while it
// goes out, and the answer to a ping comes after it.
func TestPingBehindFrameIsAnsweredLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{})
		slow := s.connectThrough("/", nil, onSlowLine(700))
		slow.send(identity("slow"), subscribe(0))
		time.Sleep(5 * time.Second)
		a := s.connect("/", nil)
		a.send(identity("a"), changes(1, object("k", 50_000)))
		a.expect(firstAck)
		time.Sleep(2 * time.Minute)
		if n := len(slow.received()); n != 2 || !slow.isOpen() {
			t.Errorf("the client has %d batches and its connection is open: %t; want 2, true", n, slow.isOpen())
		}
		slow.link.hold(true)
		time.Sleep(50 * time.Second)
		if slow.isOpen() {
			t.Error("open, though it answers no ping")
		}
	})
}

// A client that pings gets its answer after what is sent to it.
func TestPongWaitsForPiece(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{})
		uploadTo(s.connect("/", nil), 1)
		slow := s.connectThrough("/", nil, func(conn net.Conn) net.Conn { return slowConn{conn, 3000} })
		slow.send(identity("slow"), subscribe(0))
		time.Sleep(time.Minute)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
		defer cancel()
		if err := slow.conn.Ping(ctx); err != nil {
			t.Errorf("Ping: %v", err)
		}
		if !slow.isOpen() {
			t.Error("the connection ended")
		}
	})
}

// A proxy acknowledges at once what it holds for a client, and then nothing until it has
// room: the client answers late, and a write waits for longer than the timeout.
func TestClientBehindProxyHasTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow, p := subscribeBehindProxy(t)
		expectDownload(t, slow, 5<<20/10_000)
		p.ahead.change(func() { p.ahead.held = true })
		time.Sleep(50 * time.Second)
		if slow.isOpen() {
			t.Error("open, though it answers no ping")
		}
	})
}

// A client behind a proxy that takes nothing in is closed.
func TestClientBehindProxyIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow, p := subscribeBehindProxy(t)
		time.Sleep(time.Minute)
		p.ahead.change(func() { p.ahead.held = true })
		defer p.ahead.change(func() { p.ahead.cut = true })
		time.Sleep(36 * time.Second)
		if slow.isOpen() {
			t.Error("open 6 s after the write timeout")
		}
	})
}

// subscribeBehindProxy starts a server with 4 MiB of objects, and subscribes a client that
// takes 10,000 bytes a second from a proxy.
func subscribeBehindProxy(t *testing.T) (slow *client, p *proxied) {
	t.Helper()
	s := startSite(t, server.Config{})
	uploadTo(s.connect("/", nil), 4)
	slow = s.connectThrough("/", nil, func(conn net.Conn) net.Conn {
		p = newProxied(conn)
		return slowConn{p, 10_000}
	})
	slow.send(identity("slow"), subscribe(0))
	return slow, p
}

// A proxied connection is what a client has to a proxy that reads ahead.
type proxied struct {
	net.Conn
	ahead *line
}

func newProxied(conn net.Conn) *proxied {
	p := &proxied{Conn: conn, ahead: newLine()}
	p.ahead.capacity, p.ahead.wanted = 900_000, 600_000
	go func() {
		b := make([]byte, 4<<10)
		for {
			n, err := conn.Read(b)
			if err == nil {
				_, err = p.ahead.write(b[:n])
			}
			if err != nil {
				p.ahead.change(func() { p.ahead.cut = true })
				return
			}
		}
	}()
	return p
}

func (p *proxied) Read(b []byte) (int, error) { return p.ahead.read(b) }

func (p *proxied) Close() error {
	p.ahead.change(func() { p.ahead.readerGone = true })
	return p.Conn.Close()
}
