package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"

	"syncabled/revlog/boltlog"
	"syncabled/server"
)

// A countingListener counts the connections that are open at once.
type countingListener struct {
	net.Listener

	mu         sync.Mutex
	open, most int
}

func (l *countingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		l.count(1)
	}
	return &countedConn{Conn: conn, closed: sync.OnceFunc(func() { l.count(-1) })}, err
}

func (l *countingListener) count(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open += n
	l.most = max(l.most, l.open)
}

type countedConn struct {
	net.Conn
	closed func()
}

func (c *countedConn) Close() error {
	c.closed()
	return c.Conn.Close()
}

// Operators who come while there are as many as there may be wait for those to go.
func TestOperatorsAreBounded(t *testing.T) {
	o, err := newOperating(adminFlags{})
	if err != nil {
		t.Fatal(err)
	}
	dir, err := boltlog.OpenDir(t.TempDir(), boltlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &countingListener{Listener: tcp}
	end, err := o.serve(l, server.New(server.Config{}), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	var conns []net.Conn
	for range maxOperators + 20 {
		conn, err := net.Dial("tcp", tcp.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn)
	}
	answer := func(conns []net.Conn) {
		for i, conn := range conns {
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil || response.StatusCode != http.StatusOK {
				t.Fatalf("connection %d: %v, %v", i, response, err)
			}
		}
	}
	answer(conns[:maxOperators])
	for _, conn := range conns[:maxOperators] {
		_ = conn.Close()
	}
	answer(conns[maxOperators:])
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.most != maxOperators {
		t.Errorf("%d connections were open at once, want %d", l.most, maxOperators)
	}
}
