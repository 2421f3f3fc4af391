package socket

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"
)

// accept starts a server and returns its end of a connection, and a client that
// speaks right behind the handshake.
func accept(t *testing.T) (*Conn, net.Conn) {
	t.Helper()
	return acceptLimited(t, 0)
}

// acceptLimited is accept with a limit of messages.
func acceptLimited(t *testing.T, limit int64) (*Conn, net.Conn) {
	t.Helper()
	accepted := make(chan *Conn, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		below, _ := r.Context().Value(belowKey{}).(net.Conn)
		conn, err := Accept(w, r, below, nil)
		if err != nil {
			t.Error(err)
		} else {
			conn.LimitMessages(limit)
		}
		accepted <- conn
	}))
	server.Config.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		return context.WithValue(ctx, belowKey{}, conn)
	}
	server.Start()
	t.Cleanup(server.Close)
	client, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	hello := []byte{last | text, 0x80 | 5, 0, 0, 0, 0, 'h', 'e', 'l', 'l', 'o'}
	_, err = client.Write(append([]byte("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"), hello...))
	if err != nil {
		t.Fatal(err)
	}
	conn := <-accepted
	if conn == nil {
		t.FailNow()
	}
	t.Cleanup(func() { conn.CloseNow() })
	return conn, client
}

type belowKey struct{}

// read returns all frames up to the end, or one that closes, each as its first byte and its payload.
// A frame longer than 20 bytes is given by its length.
func read(t *testing.T, client net.Conn) []string {
	t.Helper()
	in := bufio.NewReader(client)
	response, err := http.ReadResponse(in, nil)
	if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("handshake: %v, %v", response, err)
	}
	var frames []string
	for {
		var head [2]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return frames
		}
		size, more := int(head[1]), map[byte]int{126: 2, 127: 8}[head[1]]
		if more > 0 {
			size = 0
		}
		for range more {
			b, _ := in.ReadByte()
			size = size<<8 | int(b)
		}
		payload := make([]byte, size)
		if _, err := io.ReadFull(in, payload); err != nil {
			return frames
		}
		if text := string(payload); len(text) <= 20 {
			frames = append(frames, fmt.Sprintf("%02x %s", head[0], text))
			if head[0] == last|closing {
				client.Close()
			}
		} else if strings.Trim(text, text[:1]) == "" {
			frames = append(frames, fmt.Sprintf("%02x %d %c", head[0], len(text), text[0]))
		} else {
			frames = append(frames, fmt.Sprintf("%02x mixed", head[0]))
		}
	}
}

func expect(t *testing.T, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

func TestWhatComesWithTheHandshakeIsRead(t *testing.T) {
	conn, _ := accept(t)
	_, message, err := conn.Read(t.Context())
	if string(message) != "hello" || err != nil {
		t.Errorf("got %q, %v", message, err)
	}
}

func TestMessagesOfAnySize(t *testing.T) {
	conn, client := accept(t)
	var want []string
	go func() {
		for _, size := range []int{0, 1, 125, 126, 65535, 65536, 1 << 20} {
			check(t, conn.Write(bytes.Repeat([]byte("x"), size)))
		}
		message := conn.Begin()
		for i, size := range []int{126, 70_000, 0} {
			check(t, message.Write(append(make([]byte, Headroom), strings.Repeat("y", size)...), i == 2))
		}
		check(t, conn.WriteFrames(AppendFrame(AppendFrame(nil, []byte("a")), []byte("b"))))
		conn.CloseNow()
	}()
	want = append(want, "81 ", "81 x", "81 125 x", "81 126 x", "81 65535 x", "81 65536 x", "81 1048576 x")
	want = append(want, "01 126 y", "00 70000 y", "80 ", "81 a", "81 b")
	expect(t, read(t, client), want...)
}

// Whoever sends something while a message in pieces is under way waits.
func TestMessagesDoNotMix(t *testing.T) {
	conn, client := accept(t)
	message := conn.Begin()
	check(t, message.Write(append(make([]byte, Headroom), 'a'), false))
	var others sync.WaitGroup
	others.Go(func() { check(t, conn.Write([]byte("c"))) })
	check(t, message.Write(append(make([]byte, Headroom), 'b'), true))
	others.Wait()
	conn.CloseNow()
	expect(t, read(t, client), "01 a", "80 b", "81 c")
}

// A frame that did not fit is ended before anything else is sent, control frames
// included, and nothing is taken meanwhile.
func TestOfferDoesNotWait(t *testing.T) {
	conn, client := accept(t)
	large := AppendFrame(nil, bytes.Repeat([]byte("x"), 1<<20))
	var want []string
	for {
		reception := conn.Offer(large)
		if reception == Busy {
			t.Fatal("busy, though nothing was left over")
		}
		want = append(want, "81 1048576 x")
		if reception == Begun {
			break
		}
	}
	if got := conn.Offer(AppendFrame(nil, []byte("no"))); got != Busy {
		t.Errorf("another frame: %v, want Busy", got)
	}
	go func() {
		check(t, conn.Flush())
		if got := conn.Offer(AppendFrame(nil, []byte("a"))); got != Sent {
			t.Errorf("a frame after all is out: %v, want Sent", got)
		}
		check(t, conn.Write([]byte("b")))
		conn.Close(websocket.StatusGoingAway, "") // which reads the client's hello
	}()
	got := read(t, client)
	expect(t, got, append(want, "81 a", "81 b", "88 \x03\xe9")...)
}

func TestNothingIsSentBehindAClose(t *testing.T) {
	conn, client := accept(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn.Close(websocket.StatusGoingAway, "")
	}()
	for conn.Offer(AppendFrame(nil, []byte("x"))) != Busy { // until it is on its way
	}
	if conn.Write([]byte("y")) == nil {
		t.Error("a message could be sent")
	}
	client.Close()
	<-done
}

// Who waits for a message that is never ended is let go when the connection is.
func TestCloseLetsGo(t *testing.T) {
	conn, _ := accept(t)
	message := conn.Begin()
	check(t, message.Write(make([]byte, Headroom), false))
	failed := make(chan error)
	go func() { failed <- conn.Write([]byte("x")) }()
	conn.CloseNow()
	if <-failed == nil {
		t.Error("a message could be sent")
	}
}
