package server_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.etcd.io/bbolt"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/revlog/boltlog"
	"syncabled/server"
)

// BenchmarkInitialSync measures the first sync of a new client over a real socket,
// and, to compare, sending the same objects from the file as they are.
func BenchmarkInitialSync(b *testing.B) {
	const objects = 100_000
	data := b.TempDir()
	fill(b, data, objects)
	b.Run("protocol", func(b *testing.B) {
		address := serveBench(b, data)
		b.ReportAllocs()
		var first time.Duration
		for b.Loop() {
			first += syncFirst(b, address)
		}
		b.ReportMetric(float64(first.Microseconds())/1000/float64(b.N), "first-ms")
	})
	b.Run("bbolt", func(b *testing.B) {
		address := sendObjects(b, filepath.Join(data, "load.db"))
		for b.Loop() {
			conn, err := net.Dial("tcp", address)
			if err != nil {
				b.Fatal(err)
			}
			n, err := io.Copy(io.Discard, onlyReader{conn})
			if err != nil || n < objects*200 {
				b.Fatalf("got %d bytes, %v", n, err)
			}
			_ = conn.Close()
		}
	})
}

// An onlyReader hides what else a connection can do.
type onlyReader struct{ io.Reader }

// fill makes objects of 200 bytes, the keys of which are in no order.
func fill(b *testing.B, data string, objects int) {
	b.Helper()
	dir, err := boltlog.OpenDir(data, boltlog.Options{})
	if err != nil {
		b.Fatal(err)
	}
	db, err := dir.Open("load")
	if err != nil {
		b.Fatal(err)
	}
	const setSize = 10_000
	for from := 0; from < objects; from += setSize {
		set := revlog.Set{Client: "filler", Time: time.Now()}
		for i := from; i < from+setSize; i++ {
			id := fmt.Sprintf("%032x", uint64(i)*0x9E3779B97F4A7C15)
			set.Changes = append(set.Changes, protocol.Change{Type: protocol.Create, Table: "items",
				Key: protocol.Key(`"` + id + `"`), Obj: fmt.Appendf(nil, `{"id":"%s","text":"%0149d"}`, id, i)})
		}
		if _, err := db.Submit(b.Context(), set); err != nil {
			b.Fatal(err)
		}
	}
	if err := errors.Join(db.Close(), dir.Close()); err != nil {
		b.Fatal(err)
	}
}

// serveBench starts a server on this machine and returns its address.
func serveBench(b *testing.B, data string) string {
	b.Helper()
	dir, err := boltlog.OpenDir(data, boltlog.Options{})
	if err != nil {
		b.Fatal(err)
	}
	s := server.New(server.Config{
		Open:      func(name string) (revlog.Log, error) { return dir.Open(name) },
		DrainTime: time.Millisecond,
		Logger:    zerolog.Nop(),
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, l) }()
	b.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			b.Error(err)
		}
		if err := dir.Close(); err != nil {
			b.Error(err)
		}
	})
	return l.Addr().String()
}

// syncFirst connects as a new client, reads its first batch, and returns when that
// began.
func syncFirst(b *testing.B, address string) (first time.Duration) {
	b.Helper()
	start := time.Now()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	hello := []byte("GET /db/load HTTP/1.1\r\nHost: " + address + "\r\n" +
		"Upgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
	for _, message := range []string{
		`{"type":"clientIdentity","clientIdentity":null}`,
		`{"type":"changes","changes":[],"partial":false,"baseRevision":null,"requestId":1}`,
		`{"type":"subscribe","syncedRevision":null}`,
	} {
		hello = append(hello, frame(opText, message)...)
	}
	if _, err := conn.Write(hello); err != nil {
		b.Fatal(err)
	}
	reader := bufio.NewReaderSize(conn, 64<<10)
	if _, err := http.ReadResponse(reader, nil); err != nil {
		b.Fatal(err)
	}
	begin, end := []byte(`"obj":`), []byte(`"partial":false}`)
	buffer := make([]byte, 64<<10)
	for kept := 0; ; {
		n, err := reader.Read(buffer[kept:])
		if err != nil {
			b.Fatal(err)
		}
		text := buffer[:kept+n]
		if first == 0 && bytes.Contains(text, begin) {
			first = time.Since(start)
		}
		if first > 0 && bytes.HasSuffix(text, end) { // nothing comes behind it
			return first
		}
		kept = copy(buffer, text[max(0, len(text)-len(end)):])
	}
}

// sendObjects serves the objects of a file to whoever connects.
func sendObjects(b *testing.B, path string) string {
	b.Helper()
	bolt, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true})
	if err != nil {
		b.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if err := writeObjects(conn, bolt); err != nil {
				b.Error(err)
			}
			_ = conn.Close()
		}
	}()
	b.Cleanup(func() {
		_ = l.Close()
		<-ended
		_ = bolt.Close()
	})
	return l.Addr().String()
}

func writeObjects(conn net.Conn, bolt *bbolt.DB) error {
	w := bufio.NewWriterSize(conn, 32<<10)
	err := bolt.View(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte("objects")).ForEach(func(_, value []byte) error {
			_, err := w.Write(value)
			return err
		})
	})
	if err != nil {
		return err
	}
	return w.Flush()
}
