//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	abuse     = flag.Int("abuse", 5, "how much of the abuse TestAbuse does, in percent; 100 needs 12,000 open files")
	abuseSets = flag.Int("abuse-sets", 500, "how many sets of an honest client TestAbuse waits for")
)

// abusedMemory is what the server may take, whatever is done to it.
const abusedMemory = 512 << 20

// TestAbuse has clients that hold on to as much of the server as they can get:
// handshakes that never finish, clients that never read what they subscribed
// to, and large messages that come as slowly as they may. The memory of the
// server stays bounded, and an honest client goes on.
func TestAbuse(t *testing.T) {
	p, addr := serve(t, t.TempDir())
	honest, err := dial(addr, "/")
	if err != nil {
		t.Fatal(err)
	}
	defer honest.conn.CloseNow()
	fillDatabase(t, honest)

	ctx, stop := context.WithCancel(t.Context())
	var ready, abusers sync.WaitGroup
	for kind, n := range map[*abuser]int{&halfHandshake: 10_000, &neverReads: 1_000, &sendsSlowly: 200} {
		for range n * *abuse / 100 {
			ready.Add(1)
			abusers.Go(func() { kind.run(ctx, addr, sync.OnceFunc(ready.Done)) })
		}
	}
	ready.Wait()
	var slowest time.Duration
	for n := range *abuseSets {
		start := time.Now()
		if err := honest.submit(fmt.Sprint("honest-", n)); err != nil {
			t.Error(err)
			break
		}
		slowest = max(slowest, time.Since(start))
	}
	stop()
	abusers.Wait()
	memory := peakMemory(t, p.cmd.Process.Pid)
	if memory > abusedMemory {
		t.Errorf("the server took %d MiB of memory; at most %d were to be", memory>>20, abusedMemory>>20)
	}
	t.Logf("peak memory %d MiB, slowest of %d round trips %v", memory>>20, *abuseSets, slowest)
}

// fillDatabase creates 20 MB of objects.
func fillDatabase(t *testing.T, c *client) {
	t.Helper()
	text := strings.Repeat("x", 1000)
	for range 20 {
		var changes []string
		for i := range 1000 {
			changes = append(changes, fmt.Sprintf(`{"type":1,"table":"items","key":"%d-%d","obj":{"id":"%[1]d-%d","text":%q}}`, c.requests, i, text))
		}
		if err := c.submitPart(strings.Join(changes, ","), false); err != nil {
			t.Fatal(err)
		}
	}
}

// An abuser connects whenever it has no connection. It begins with some bytes
// behind the handshake, or, without them, with half a handshake, goes on with a
// few more every second, and never reads.
type abuser struct {
	start []byte
	drip  []byte
}

var (
	halfHandshake = abuser{drip: []byte("x")}
	neverReads    = abuser{start: append(maskedFrame(`{"type":"clientIdentity","clientIdentity":null}`), maskedFrame(`{"type":"subscribe","syncedRevision":null}`)...), drip: maskedPong}
	sendsSlowly   = abuser{start: append(maskedHeader(64<<20), make([]byte, 4<<20)...), drip: []byte(" ")}
)

func (a *abuser) run(ctx context.Context, addr string, ready func()) {
	defer ready()
	for ctx.Err() == nil {
		conn, err := a.connect(addr)
		if err != nil {
			continue
		}
		ready()
		a.hold(ctx, conn)
		_ = conn.Close()
	}
}

func (a *abuser) connect(addr string) (net.Conn, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	if a.start == nil {
		_, err := conn.Write([]byte("GET / HTTP/1.1\r\nHost: "))
		return conn, err
	}
	_, err = fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", addr)
	if err == nil {
		_, err = http.ReadResponse(bufio.NewReader(conn), nil)
	}
	if err == nil {
		_, err = conn.Write(a.start)
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// hold keeps a connection until the server closes it, which a write finds out.
func (a *abuser) hold(ctx context.Context, conn net.Conn) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if _, err := conn.Write(a.drip); err != nil {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// maskedPong is a frame that asks for nothing.
var maskedPong = []byte{0x8A, 0x80, 0, 0, 0, 0}

func maskedFrame(text string) []byte { return append(maskedHeader(len(text)), text...) }

// maskedHeader returns the header of a text frame, with a mask of zeros.
func maskedHeader(size int) []byte {
	header := binary.BigEndian.AppendUint64([]byte{0x81, 0x80 | 127}, uint64(size))
	return append(header, 0, 0, 0, 0)
}

var peakLine = regexp.MustCompile(`VmHWM:\s*(\d+) kB`)

// peakMemory returns the largest resident size that a process has had.
func peakMemory(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	match := peakLine.FindSubmatch(status)
	if match == nil {
		t.Fatalf("no peak in %s", status)
	}
	kilobytes, err := strconv.Atoi(string(match[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kilobytes << 10
}
