package server_test

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"syncabled/protocol"
	"syncabled/server"
)

func TestOldestHandshakeGivesWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{MaxHandshakes: 2})
		var silent []*link
		connect := func() {
			l, err := s.network.dial(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(l.cut)
			silent = append(silent, l)
			synctest.Wait()
		}
		connect()
		connect()
		a := s.connect("/", nil)
		a.send(identity("a"), changes(1, object("k", 1)))
		a.expect(firstAck)
		connect()
		for i, gone := range []bool{true, false, false} {
			if silent[i].serverClosed() != gone {
				t.Errorf("connection %d is closed: %t, want %t", i, !gone, gone)
			}
		}
		connect()
		if !silent[1].serverClosed() || !a.isOpen() {
			t.Error("it is not the oldest connection without a session that gives way")
		}
	})
}

func TestFastSenderIsReadSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{BytesPerSecond: 64 << 10})
		a, b := s.connect("/", nil), s.connect("/", nil)
		b.send(identity("b"), subscribe(0))
		b.received()
		a.send(identity("a"))
		start := time.Now()
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			a.send(largeSet(1)) // 16 times as much
		}()
		time.Sleep(10 * time.Second)
		if n := len(a.received()) + len(b.received()); n > 0 {
			t.Errorf("after %v there are %d messages", time.Since(start), n)
		}
		time.Sleep(10 * time.Second)
		a.expect(firstAck)
		if n := len(b.received()); n != 1 {
			t.Errorf("the other client got %d batches, want 1", n)
		}
		<-sent
	})
}

func TestOldestLargeMessageGivesWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder := t.TempDir()
		s := startSite(t, server.Config{ReceiveDisk: 5 << 19, ReceiveFolder: folder})
		message := frame(opText, largeSet(1))
		most := len(message) * 7 / 10
		var clients []*rawClient
		for _, name := range []string{"a", "b", "c", "d"} {
			c := s.connectRaw("/")
			c.write(frame(opText, identity(name)))
			c.write(message[:most])
			clients = append(clients, c)
			synctest.Wait()
		}
		const reason = "too many large messages are arriving at once; try again, or raise --max-receiving on the server"
		if kind, payload := clients[0].next(); kind != opClose || payload != "\x03\xf5"+reason {
			t.Errorf("got %v %q, want a close with 1013", kind, payload)
		}
		for _, c := range clients[1:] {
			c.write(message[most:])
			if got := c.nextText(); got != firstAck {
				t.Errorf("got %s, want %s", got, firstAck)
			}
		}
		if files, err := os.ReadDir(folder); err != nil || len(files) > 0 {
			t.Errorf("files are left: %v, %v", files, err)
		}
	})
}

// A message that is too long is refused when its header has come, in whatever form;
// what came before it is answered.
func TestTooLongIsRefusedAtItsHeader(t *testing.T) {
	const more opcode = 0
	const notLast = 0x7F // the last frame of a message has the highest bit
	begun := frame(opText, strings.Repeat("x", 600))
	begun[0] &= notLast
	for name, message := range map[string][]byte{
		"one frame":         frameHeader(opText, 10<<30),
		"just over":         frameHeader(opText, 1001),
		"the largest":       append(append(frameHeader(opText, 0)[:2], bytes.Repeat([]byte{0xFF}, 8)...), 0, 0, 0, 0),
		"fragments":         append(append(begun, frame(opPing, "")...), frameHeader(more, 401)...),
		"behind an ack":     append(frame(opText, changes(1, object("k", 1))), frameHeader(opText, 10<<30)...),
		"and some of it":    append(frameHeader(opText, 10<<30), strings.Repeat("x", 100_000)...),
		"with an odd start": append(frame(opText, `{"type":"other"}`), frameHeader(opText, 1<<40)...),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				folder := t.TempDir()
				s := startSite(t, server.Config{Limits: protocol.Limits{FrameBytes: 1000}, ReceiveFolder: folder})
				start := time.Now()
				c := s.connectRaw("/")
				c.write(frame(opText, identity("a")))
				go func() { _, _ = c.link.client.Write(message) }() // more than the line holds, until the server has gone
				if name == "behind an ack" {
					if got := c.nextText(); got != firstAck {
						t.Errorf("got %s, want %s", got, firstAck)
					}
				}
				kind, payload := c.next()
				for kind == opPong {
					kind, payload = c.next()
				}
				if kind != opClose || payload != "\x03\xf1"+"message is over the size limit; the server's operator can raise --max-frame" {
					t.Errorf("got %v %q, want a close with 1009", kind, payload)
				}
				if took := time.Since(start); took > 0 {
					t.Errorf("it took %v", took)
				}
				if files, err := os.ReadDir(folder); err != nil || len(files) > 0 {
					t.Errorf("files: %v, %v", files, err)
				}
				c.expectDropped(20 * time.Second)
			})
		})
	}
}

// Large messages are handled one after the other if all at once would be too
// much.
func TestLargeMessagesTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{Limits: protocol.Limits{FrameBytes: len(largeSet(1))}})
		var clients []*client
		for _, name := range []string{"a", "b", "c"} {
			c := s.connect("/", nil)
			c.send(identity(name), largeSet(1))
			clients = append(clients, c)
		}
		for _, c := range clients {
			c.expect(firstAck)
		}
	})
}

func TestLargeMessageGoesOutInPieces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{})
		a := s.connect("/", nil)
		a.send(identity("a"), largeSet(1))
		a.expect(firstAck)
		b := s.connectRaw("/")
		b.write(frame(opText, identity("b")))
		b.write(frame(opText, subscribe(0)))
		const continuation opcode = 0
		var text strings.Builder
		pieces := 0
		for !strings.HasSuffix(text.String(), `"partial":false}`) {
			kind, piece := b.next()
			if kind == opPing {
				continue
			}
			if kind != opText && kind != continuation {
				t.Fatalf("got %v", kind)
			}
			if len(piece) > 100<<10 {
				t.Errorf("a piece has %d bytes", len(piece))
			}
			text.WriteString(piece)
			pieces++
		}
		if !json.Valid([]byte(text.String())) || pieces < 16 {
			t.Errorf("%d pieces of %d bytes; as a whole it is JSON: %t", pieces, text.Len(), json.Valid([]byte(text.String())))
		}
	})
}
