package socket

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
)

// clientFrame returns a frame as clients send it, with a masking key of zero.
func clientFrame(first byte, payload string) []byte {
	header := appendHeader(nil, first, len(payload))
	header[1] |= 0x80
	return append(append(header, 0, 0, 0, 0), payload...)
}

// announce returns a header that announces a length.
func announce(first byte, size uint64) []byte {
	return append(binary.BigEndian.AppendUint64([]byte{first, 0x80 | 127}, size), 0, 0, 0, 0)
}

func TestLengths(t *testing.T) {
	join := func(frames ...[]byte) []byte { return bytes.Join(frames, nil) }
	ping := clientFrame(last|9, "are you there?")
	tests := []struct {
		name   string
		stream []byte
		want   bool
	}{
		{"just within the limit", join(clientFrame(last|text, "12345"), clientFrame(last|text, "12345")), false},
		{"one byte over it", join(clientFrame(last|text, "12345"), clientFrame(last|text, "123456")), true},
		{"all fragments within it", join(clientFrame(text, "12"), ping, clientFrame(continuation, "34"), clientFrame(last, "5")), false},
		{"fragments over it", join(clientFrame(text, "12"), ping, clientFrame(continuation, "34"), clientFrame(last, "56")), true},
		{"fragments of two messages", join(clientFrame(text, "123"), clientFrame(last, "45"), clientFrame(text, "123")), false},
		{"control frames do not count", join(ping, ping, clientFrame(last|closing, "\x03\xe8a long reason")), false},
		{"a header alone", announce(last|text, 6), true},
		{"ten gigabytes", announce(last|text, 10e9), true},
		{"the largest length", announce(last|text, 1<<64-1), true},
		{"not all of the header", announce(last|text, 6)[:13], false},
	}
	for _, test := range tests {
		for cut := range len(test.stream) {
			l := lengths{limit: 5}
			first := l.exceed(test.stream[:cut])
			if got := first || l.exceed(test.stream[cut:]); got != test.want {
				t.Errorf("%s, cut at %d: %t, want %t", test.name, cut, got, test.want)
			}
		}
	}
}

// naiveLengths reads headers one after the other from a whole stream.
func naiveLengths(stream []byte, limit uint64) bool {
	message := uint64(0)
	for len(stream) >= 2 {
		first, size, header := stream[0], uint64(stream[1]&0x7F), 2
		switch {
		case size == 126 && len(stream) >= 4:
			size, header = uint64(binary.BigEndian.Uint16(stream[2:])), 4
		case size == 127 && len(stream) >= 10:
			size, header = binary.BigEndian.Uint64(stream[2:]), 10
		case size >= 126:
			return false
		}
		if stream[1]&0x80 != 0 {
			header += 4
		}
		if len(stream) < header {
			return false
		}
		if kind := first & 0xF; kind < 8 {
			if kind != 0 {
				message = 0
			}
			if size > limit || message+size > limit {
				return true
			}
			message += size
		}
		if size > uint64(len(stream)-header) {
			return false
		}
		stream = stream[header+int(size):]
	}
	return false
}

// FuzzLengths compares with the naive way, however the stream is cut.
func FuzzLengths(f *testing.F) {
	f.Add(append(clientFrame(text, "hello"), clientFrame(last, "world!")...), uint8(3), uint16(10))
	f.Add(append(clientFrame(last|9, ""), announce(last|text, 1<<63)...), uint8(1), uint16(100))
	f.Add(clientFrame(last|text, string(make([]byte, 300))), uint8(7), uint16(299))
	f.Fuzz(func(t *testing.T, stream []byte, piece uint8, limit uint16) {
		l := lengths{limit: int64(limit) + 1}
		got := false
		for rest := stream; len(rest) > 0; {
			n := min(len(rest), int(piece)+1)
			got = l.exceed(rest[:n]) || got
			rest = rest[n:]
		}
		if want := naiveLengths(stream, uint64(limit)+1); got != want {
			t.Errorf("%x in pieces of %d, limit %d: %t, want %t", stream, int(piece)+1, int(limit)+1, got, want)
		}
	})
}

// A message that is too long fails the reading when its header has come, and what
// came before it is read.
func TestTooLongIsToldAtTheHeader(t *testing.T) {
	conn, client := acceptLimited(t, 5)
	stream := append(clientFrame(last|text, "12345"), announce(last|text, 10e9)...)
	if _, err := client.Write(stream); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"hello", "12345"} {
		if _, message, err := conn.Read(t.Context()); string(message) != want || err != nil {
			t.Errorf("got %q, %v, want %q", message, err, want)
		}
	}
	_, r, err := conn.Reader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n, err := r.Read(make([]byte, 1<<10)); n > 0 || !errors.Is(err, ErrTooLong) || errors.Is(err, io.EOF) || !conn.TooLong() {
		t.Errorf("got %d bytes, %v", n, err)
	}
}
