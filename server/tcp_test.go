package server_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"testing"

	"github.com/coder/websocket"
	"github.com/rs/zerolog"

	"syncabled/revlog"
	"syncabled/revlog/boltlog"
	"syncabled/server"
)

// A tcpSite is a server on a real network, for what the buffers of a system bring
// about.
type tcpSite struct {
	t       *testing.T
	address string
	trusted *x509.CertPool // nil without TLS
	dialer  net.Dialer
	events  *events
}

// startTCP starts a server, which ends with the test.
func startTCP(t *testing.T, config server.Config) *tcpSite {
	t.Helper()
	dir, err := boltlog.OpenDir(t.TempDir(), boltlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &tcpSite{t: t, address: l.Addr().String(), events: &events{t: t}}
	config.Open = func(name string) (revlog.Log, error) { return dir.Open(name) }
	config.AllowHost = []string{siteHost}
	config.Logger = zerolog.New(s.events)
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- server.New(config).Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-served, dir.Close()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// startEncryptedTCP is startTCP with TLS.
func startEncryptedTCP(t *testing.T, config server.Config) *tcpSite {
	t.Helper()
	certificate, trusted := selfSigned(t)
	config.Certificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &certificate, nil }
	s := startTCP(t, config)
	s.trusted = trusted
	return s
}

// connect connects a client. What it reads and writes passes what wrap returns for its
// end of the network, if that is not nil.
func (s *tcpSite) connect(wrap func(*net.TCPConn) net.Conn) *websocket.Conn {
	s.t.Helper()
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		conn, err := s.dialer.DialContext(ctx, "tcp", s.address)
		if err != nil || wrap == nil {
			return conn, err
		}
		return wrap(conn.(*net.TCPConn)), nil
	}
	transport, scheme := &http.Transport{DialContext: dial}, "ws://"
	if s.trusted != nil {
		scheme = "wss://"
		transport.DialTLSContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return tls.Client(conn, &tls.Config{RootCAs: s.trusted, ServerName: siteHost}), nil
		}
	}
	conn, _, err := websocket.Dial(context.Background(), scheme+siteHost+"/", &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.CloseNow() })
	conn.SetReadLimit(-1)
	return conn
}

func (s *tcpSite) write(conn *websocket.Conn, messages ...string) {
	s.t.Helper()
	for _, message := range messages {
		if err := conn.Write(context.Background(), websocket.MessageText, []byte(message)); err != nil {
			s.t.Fatal(err)
		}
	}
}

// read returns the next message.
func (s *tcpSite) read(conn *websocket.Conn) string {
	s.t.Helper()
	_, message, err := conn.Read(context.Background())
	if err != nil {
		s.t.Fatal(err)
	}
	return string(message)
}
