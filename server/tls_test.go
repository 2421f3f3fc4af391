package server_test

import (
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
	return s.connectBelow(func(conn net.Conn) net.Conn { return conn })
}

// connectBelow opens a connection over a network connection that is wrapped below TLS.
func (s encryptedSite) connectBelow(wrap func(net.Conn) net.Conn) *client {
	s.t.Helper()
	return s.connectThrough("/", nil, func(conn net.Conn) net.Conn {
		encrypted := tls.Client(wrap(conn), &tls.Config{RootCAs: s.trusted, ServerName: siteHost, NextProtos: []string{"h2", "http/1.1"}})
		_ = encrypted.Handshake() // later, one side would wait for the other one's lock, which stops the fake clock
		return encrypted
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
	s := startEncryptedTCP(t, server.Config{PingInterval: time.Hour})
	// The first connection answers no ping, because nothing reads from it.
	var old net.Conn
	first := s.connect(func(conn *net.TCPConn) net.Conn { old = conn; return conn })
	s.write(first, identity("same"), changes(1, object("k", 1)))
	if got := s.read(first); got != firstAck {
		t.Fatalf("got %s, want an ack", got)
	}
	second := s.connect(nil)
	s.write(second, identity("same"), changes(1, object("k", 2)))
	s.read(second)
	_, err := io.Copy(io.Discard, old)
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the connection that was cut ended with %v, want %v", err, syscall.ECONNRESET)
	}
}
