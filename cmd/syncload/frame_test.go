package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// A scriptedConn is a connection on which bytes come from a reader.
type scriptedConn struct {
	net.Conn
	io.Reader
}

func (c scriptedConn) Read(b []byte) (int, error) { return c.Reader.Read(b) }

// serverFrame returns a frame as a server sends it.
func serverFrame(head byte, payload string) string {
	switch n := len(payload); {
	case n < 126:
		return string([]byte{head, byte(n)}) + payload
	case n < 1<<16:
		return string(binary.BigEndian.AppendUint16([]byte{head, 126}, uint16(n))) + payload
	default:
		return string(binary.BigEndian.AppendUint64([]byte{head, 127}, uint64(n))) + payload
	}
}

func TestFramesOfAllSizes(t *testing.T) {
	for _, size := range []int{0, 1, 125, 126, smallBuffer - 4, smallBuffer, 65535, 65536, 300_000} {
		payload := string(bytes.Repeat([]byte("x"), size))
		stream := serverFrame(finBit|opText, payload) + serverFrame(finBit|opText, "next")
		for _, reader := range []io.Reader{bytes.NewReader([]byte(stream)), iotest.HalfReader(bytes.NewReader([]byte(stream))), iotest.OneByteReader(bytes.NewReader([]byte(stream)))} {
			r := newFrameReader(scriptedConn{Reader: reader}, nil)
			for _, want := range []string{payload, "next"} {
				opcode, got, err := r.next()
				if err != nil || opcode != opText || string(got) != want {
					t.Fatalf("size %d: opcode %d, %d bytes, %v", size, opcode, len(got), err)
				}
			}
			if _, _, err := r.next(); !errors.Is(err, io.EOF) {
				t.Fatalf("size %d: got %v at the end", size, err)
			}
		}
	}
}

// TestBytesBehindTheHandshake: the first frame may come with the handshake.
func TestBytesBehindTheHandshake(t *testing.T) {
	stream := serverFrame(finBit|opText, "first")
	r := newFrameReader(scriptedConn{Reader: bytes.NewReader([]byte(stream[4:]))}, []byte(stream[:4]))
	if _, got, err := r.next(); err != nil || string(got) != "first" {
		t.Fatalf("got %q, %v", got, err)
	}
}

// TestMessageInParts: control frames may come between the frames of a message.
func TestMessageInParts(t *testing.T) {
	stream := serverFrame(opText, "a") + serverFrame(finBit|opPing, "p") + serverFrame(opContinue, "b") +
		serverFrame(finBit|opContinue, "c") + serverFrame(finBit|opText, "d")
	r := newFrameReader(scriptedConn{Reader: bytes.NewReader([]byte(stream))}, nil)
	for _, want := range []struct {
		opcode  byte
		payload string
	}{{opPing, "p"}, {opText, "abc"}, {opText, "d"}} {
		opcode, got, err := r.next()
		if err != nil || opcode != want.opcode || string(got) != want.payload {
			t.Fatalf("got %d %q, %v; want %d %q", opcode, got, err, want.opcode, want.payload)
		}
	}
}

// TestMessagesAreKept: however much memory there is, and wherever it ends.
func TestMessagesAreKept(t *testing.T) {
	long := strings.Repeat("x", 300)
	stream := serverFrame(opText, "a") + serverFrame(finBit|opPing, "p") + serverFrame(opContinue, long) +
		serverFrame(finBit|opContinue, "b") + serverFrame(finBit|opText, "c") + serverFrame(finBit|opText, long)
	want := []string{"a" + long + "b", "c", long}
	for size := range 2 * len(stream) {
		for _, first := range []int{0, 1, 10} {
			r := newFrameReader(scriptedConn{Reader: iotest.OneByteReader(strings.NewReader(stream[first:]))}, []byte(stream[:first]))
			r.keep(make([]byte, size))
			var kept [][]byte
			for len(kept) < len(want) {
				opcode, payload, err := r.next()
				if err != nil {
					t.Fatalf("%d bytes, %d read before: %v", size, first, err)
				}
				if opcode == opText {
					kept = append(kept, payload)
				}
			}
			for i := range want {
				if string(kept[i]) != want[i] {
					t.Fatalf("%d bytes, %d read before: message %d is %q, want %q", size, first, i, kept[i], want[i])
				}
			}
		}
	}
}

// TestDeadlineLosesNothing: a deadline in the middle of a frame, and of a
// message, leaves both to be finished.
func TestDeadlineLosesNothing(t *testing.T) {
	stream := serverFrame(opText, "first ") + serverFrame(finBit|opContinue, string(bytes.Repeat([]byte("x"), 200)))
	want := "first " + string(bytes.Repeat([]byte("x"), 200))
	for cut := range len(stream) {
		client, server := net.Pipe()
		r := newFrameReader(client, []byte(stream[:cut]))
		if err := client.SetReadDeadline(time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
		if _, _, err := r.next(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("cut at %d: got %v", cut, err)
		}
		if err := client.SetReadDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		written := make(chan error, 1)
		go func() {
			_, err := server.Write([]byte(stream[cut:]))
			written <- err
		}()
		if _, got, err := r.next(); err != nil || string(got) != want {
			t.Fatalf("cut at %d: got %q, %v", cut, got, err)
		}
		if err := <-written; err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhatNoServerMaySend(t *testing.T) {
	for name, stream := range map[string]string{
		"masked":                  "\x81\x80\x00\x00\x00\x00",
		"reserved bits":           serverFrame(finBit|0x40|opText, "a"),
		"binary":                  serverFrame(finBit|0x2, "a"),
		"continuation of nothing": serverFrame(finBit|opContinue, "a"),
		"text within a message":   serverFrame(opText, "a") + serverFrame(finBit|opText, "b"),
		"ping in parts":           serverFrame(opPing, "a"),
		"long ping":               serverFrame(finBit|opPing, string(make([]byte, 126))),
		"endless":                 "\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff",
	} {
		t.Run(name, func(t *testing.T) {
			r := newFrameReader(scriptedConn{Reader: bytes.NewReader([]byte(stream))}, nil)
			if _, _, err := r.next(); !errors.Is(err, errFrame) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// FuzzFrames: whatever comes, and in whatever pieces, the reader ends, gives the
// same messages, and takes no memory for bytes that were only announced. The end of the
// stream is a number of x, so that an input is short: to minimise one takes as many runs as
// the square of its length.
func FuzzFrames(f *testing.F) {
	f.Add([]byte(serverFrame(finBit|opText, "abc")+serverFrame(opText, "d")+serverFrame(finBit|opPing, "p")+serverFrame(finBit|opContinue, "e")), uint16(0))
	f.Add([]byte("\x81\x7f\x00\x00\x00\x00\x3f\xff\xff\xff"), uint16(0))
	f.Add([]byte("\x81\x7e\x07\xd0"), uint16(2000))
	f.Fuzz(func(t *testing.T, head []byte, rest uint16) {
		stream := append(bytes.Clone(head[:min(len(head), 128)]), bytes.Repeat([]byte("x"), int(rest%(4*smallBuffer)))...)
		whole := messagesOf(t, stream, bytes.NewReader(stream))
		pieces := messagesOf(t, stream, iotest.OneByteReader(bytes.NewReader(stream)))
		if !bytes.Equal(whole, pieces) {
			t.Fatalf("got %q, and %q in pieces", whole, pieces)
		}
	})
}

func messagesOf(t *testing.T, stream []byte, reader io.Reader) []byte {
	var all []byte
	r := newFrameReader(scriptedConn{Reader: reader}, nil)
	for {
		opcode, payload, err := r.next()
		if err != nil {
			if most := 2*len(stream) + 2*smallBuffer; len(r.buf) > most {
				t.Fatalf("a buffer of %d bytes for %d", len(r.buf), len(stream))
			}
			return all
		}
		all = append(append(all, opcode, byte(len(payload))), payload...)
	}
}
