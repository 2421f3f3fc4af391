package server_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/rs/zerolog"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/revlog/boltlog"
	"syncabled/server"
)

// selfSigned returns a certificate for siteHost, and those who trust it.
func selfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: siteHost},
		DNSNames:     []string{siteHost},
		NotAfter:     time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// An encryptedSite is a site that speaks TLS.
type encryptedSite struct {
	*site
	trusted *x509.CertPool
}

func startEncrypted(t *testing.T, config server.Config) encryptedSite {
	t.Helper()
	certificate, trusted := selfSigned(t)
	config.Certificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &certificate, nil }
	return encryptedSite{startSite(t, config), trusted}
}

func (s encryptedSite) connect() *client {
	s.t.Helper()
	return s.connectThrough("/", nil, func(conn net.Conn) net.Conn {
		return tls.Client(conn, &tls.Config{RootCAs: s.trusted, ServerName: siteHost, NextProtos: []string{"h2", "http/1.1"}})
	})
}

func TestSessionsOverTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startEncrypted(t, server.Config{})
		a, b := s.connect(), s.connect()
		b.send(identity("b"), subscribe(0))
		b.received()
		a.send(identity("a"), changes(1, object("k", 1)))
		a.expect(firstAck)
		if got := b.received(); len(got) != 1 {
			t.Errorf("the other client got %q", got)
		}
		s.shutDown()
		a.expectEnding(restarting)
		b.expectEnding(restarting)
	})
}

// A client without TLS is told so, and does no harm.
func TestPlainClientOfEncryptedServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startEncrypted(t, server.Config{})
		if e := s.site.connect("/", nil).ending(); e == nil || e.code != http.StatusBadRequest {
			t.Errorf("ended with %v, want 400", e)
		}
		if !s.connect().isOpen() {
			t.Error("the next client could not connect")
		}
	})
}

// The rate of bytes holds for what is encrypted, too.
func TestBytesPerSecondOverTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startEncrypted(t, server.Config{BytesPerSecond: 128 << 10})
		a := s.connect()
		a.send(identity("a"))
		start := time.Now()
		a.send(largeSet(1))
		for len(a.received()) == 0 {
			time.Sleep(time.Second)
		}
		if took := time.Since(start); took < 6*time.Second || took > 10*time.Second {
			t.Errorf("1 MiB at 128 KiB a second took %v", took)
		}
	})
}

// Connections that never begin to speak TLS are in the line of handshakes.
func TestHandshakesOverTLSAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startEncrypted(t, server.Config{MaxHandshakes: 2})
		var silent []*link
		for range 3 {
			l, err := s.network.dial(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(l.cut)
			silent = append(silent, l)
			synctest.Wait()
			time.Sleep(2 * time.Second)
		}
		if !silent[0].serverClosed() {
			t.Error("the oldest of three is open, with room for two")
		}
		if silent[2].serverClosed() {
			t.Error("the newest is closed")
		}
	})
}

// A client that takes nothing in gets TLS's last words for a few seconds, not for
// the write timeout.
func TestStuckClientOverTLSIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startEncrypted(t, server.Config{WriteTimeout: time.Hour, PingInterval: time.Hour})
		a := s.connect()
		a.send(identity("a"), largeSet(1))
		a.expect(firstAck)
		b := s.connect()
		b.link.hold(true)
		b.send(identity("b"), subscribe(0))
		time.Sleep(time.Second)
		start := time.Now()
		s.shutDown()
		if took := time.Since(start); took > time.Minute {
			t.Errorf("the server took %v to end", took)
		}
	})
}

// A connection that is cut resets, with TLS as without: what the system still had
// to send does not arrive later. It takes a real network to see that.
func TestCutOverTLSResets(t *testing.T) {
	certificate, trusted := selfSigned(t)
	dir, err := boltlog.OpenDir(t.TempDir(), boltlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := server.New(server.Config{
		Open:         func(name string) (revlog.Log, error) { return dir.Open(name) },
		Certificate:  func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &certificate, nil },
		AllowHost:    []string{siteHost},
		Logger:       zerolog.Nop(),
		Limits:       protocol.Limits{},
		PingInterval: time.Hour,
	})
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, l) }()
	defer func() {
		stop()
		if err := errors.Join(<-served, dir.Close()); err != nil {
			t.Error(err)
		}
	}()

	raw := make(chan net.Conn, 2)
	dial := func() *websocket.Conn {
		t.Helper()
		transport := &http.Transport{DialTLSContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
			if err != nil {
				return nil, err
			}
			raw <- conn
			return tls.Client(conn, &tls.Config{RootCAs: trusted, ServerName: siteHost}), nil
		}}
		conn, _, err := websocket.Dial(context.Background(), "wss://"+siteHost+"/", &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}})
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	write := func(conn *websocket.Conn, frame string) {
		t.Helper()
		if err := conn.Write(context.Background(), websocket.MessageText, []byte(frame)); err != nil {
			t.Fatal(err)
		}
	}
	// The first connection answers no ping, because nothing reads from it.
	first := dial()
	defer first.CloseNow()
	old := <-raw
	write(first, identity("same"))
	write(first, changes(1, object("k", 1)))
	if _, frame, err := first.Read(context.Background()); err != nil || !bytes.Contains(frame, []byte("ack")) {
		t.Fatalf("no ack: %s %v", frame, err)
	}
	second := dial()
	defer second.CloseNow()
	write(second, identity("same"))
	write(second, changes(1, object("k", 2)))
	if _, _, err := second.Read(context.Background()); err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(io.Discard, old)
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the connection that was cut ended with %v, want %v", err, syscall.ECONNRESET)
	}
}
