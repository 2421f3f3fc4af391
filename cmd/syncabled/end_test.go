package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// Clients that take in nothing do not keep the program from ending: it does within two
// seconds of the drain time. The bound leaves room for a machine that is busy.
func TestEndsThoughClientsTakeInNothing(t *testing.T) {
	p, addr := serve(t, t.TempDir(), "--drain-timeout", "1s")
	honest, err := dial(addr, "/")
	if err != nil {
		t.Fatal(err)
	}
	defer honest.conn.CloseNow()
	text := strings.Repeat("x", 8<<20)
	for i := range 2 { // more than sockets hold
		if err := honest.submitChange(fmt.Sprintf(`{"type":1,"table":"items","key":%d,"obj":{"id":%[1]d,"text":%q}}`, i, text)); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		stalled(t, addr)
	}
	begun := time.Now()
	stop(t, p)
	if took := time.Since(begun); took > 8*time.Second {
		t.Errorf("it took %v to end:\n%s", took, p.output)
	}
	if code, err := honest.closeCode(); err != nil || code != int(websocket.StatusServiceRestart) {
		t.Errorf("the client that takes in everything was closed with %d, %v", code, err)
	}
	if _, err := p.output.await(`cut connections that did not end in time`); err != nil {
		t.Error(err)
	}
}

// stalled connects a client that asks for everything, and takes in nothing but that it is
// on its way.
func stalled(t *testing.T, addr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, "ws://"+addr+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	for _, frame := range []string{`{"type":"clientIdentity","clientIdentity":null}`, `{"type":"subscribe","syncedRevision":null}`} {
		if err := conn.Write(ctx, websocket.MessageText, []byte(frame)); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := conn.Read(ctx); err != nil { // its identity
		t.Fatal(err)
	}
	if _, _, err := conn.Reader(ctx); err != nil { // the batch has begun
		t.Fatal(err)
	}
}
