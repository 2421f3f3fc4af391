package server_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// A rawClient speaks WebSocket byte by byte. It answers nothing that it is not
// told to answer.
type rawClient struct {
	t      *testing.T
	link   *link
	reader *bufio.Reader
}

func (s *site) connectRaw(path string) *rawClient {
	s.t.Helper()
	link, err := s.network.dial(context.Background())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(link.cut)
	r := &rawClient{t: s.t, link: link, reader: bufio.NewReader(link.client)}
	r.write([]byte("GET " + path + " HTTP/1.1\r\nHost: " + siteHost + "\r\n" +
		"Upgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"))
	response, err := http.ReadResponse(r.reader, nil)
	if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		s.t.Fatalf("handshake: %v, %v", response, err)
	}
	return r
}

func (r *rawClient) write(b []byte) {
	r.t.Helper()
	if _, err := r.link.client.Write(b); err != nil {
		r.t.Errorf("write: %v", err)
	}
}

// writeSlowly takes a second for so many bytes.
func (r *rawClient) writeSlowly(b []byte, perSecond int) {
	r.t.Helper()
	for len(b) > 0 && !r.t.Failed() {
		n := min(len(b), perSecond)
		r.write(b[:n])
		b = b[n:]
		time.Sleep(time.Second)
	}
}

// next returns the next frame that the server sends.
func (r *rawClient) next() (opcode, string) {
	r.t.Helper()
	kind, payload, err := r.readFrame()
	if err != nil {
		r.t.Fatal(err)
	}
	return kind, payload
}

// nextText returns the next text frame. Pings are not answered.
func (r *rawClient) nextText() string {
	r.t.Helper()
	for {
		if kind, payload := r.next(); kind == opText {
			return payload
		}
	}
}

func (r *rawClient) readFrame() (opcode, string, error) {
	var head [2]byte
	if _, err := io.ReadFull(r.reader, head[:]); err != nil {
		return 0, "", err
	}
	size := uint64(head[1] & 0x7F)
	if size >= 126 {
		long := make([]byte, map[uint64]int{126: 2, 127: 8}[size])
		if _, err := io.ReadFull(r.reader, long); err != nil {
			return 0, "", err
		}
		size = binary.BigEndian.Uint64(append(make([]byte, 8-len(long)), long...))
	}
	payload := make([]byte, size)
	_, err := io.ReadFull(r.reader, payload)
	return opcode(head[0] & 0x0F), string(payload), err
}

type opcode byte

const (
	opText   opcode = 0x1
	opBinary opcode = 0x2
	opClose  opcode = 0x8
	opPing   opcode = 0x9
	opPong   opcode = 0xA
)

func (o opcode) String() string {
	return fmt.Sprintf("opcode %#x", byte(o))
}

// frame returns a frame as a client sends it.
func frame(kind opcode, payload string) []byte {
	return append(frameHeader(kind, len(payload)), payload...)
}

// frameHeader returns the first bytes of a frame. Its masking key is zero, so
// that the payload goes out as it is.
func frameHeader(kind opcode, size int) []byte {
	const final, masked = 0x80, 0x80
	header := []byte{final | byte(kind), masked | 127}
	header = binary.BigEndian.AppendUint64(header, uint64(size))
	if size < 126 && kind >= opClose { // control frames have no long form
		header = []byte{final | byte(kind), masked | byte(size)}
	}
	return append(header, 0, 0, 0, 0)
}

// A slowConn is a connection on a slow line: it takes a second to read so many
// bytes.
type slowConn struct {
	net.Conn
	perSecond int
}

func (c slowConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b[:min(len(b), c.perSecond)])
	time.Sleep(time.Second * time.Duration(n) / time.Duration(c.perSecond))
	return n, err
}

// expectDropped waits for the server to close its end.
func (r *rawClient) expectDropped(within time.Duration) {
	r.t.Helper()
	time.Sleep(within)
	synctest.Wait()
	if !r.link.serverClosed() {
		r.t.Errorf("after %v the server still has the connection open", within)
	}
}
