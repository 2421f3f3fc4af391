package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
)

// A target is a server to load.
type target struct {
	url *url.URL
	pid int // of its process, 0 if it is not known
}

var errRemote = errors.New("not on this machine; --load-a-remote-machine allows it")

// parseTarget reads the URL of a database. Hosts other than this one are refused
// unless remote.
func parseTarget(text string, pid int, remote bool) (target, error) {
	u, err := url.Parse(text)
	if err != nil {
		return target{}, err
	}
	if u.Scheme != "ws" || u.Port() == "" {
		return target{}, fmt.Errorf("%s: want ws://host:port/path", text)
	}
	if addr, err := netip.ParseAddr(u.Hostname()); !remote && u.Hostname() != "localhost" && (err != nil || !addr.IsLoopback()) {
		return target{}, fmt.Errorf("%s: %w", u.Host, errRemote)
	}
	return target{u, pid}, nil
}

// dial connects and shakes hands.
func (t target) dial(ctx context.Context) (*frameReader, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", t.url.Host)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // ends the handshake
	defer stop()
	r, err := handshake(conn, t.url)
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("handshake: %w", err)
	}
	return r, nil
}

func handshake(conn net.Conn, u *url.URL) (*frameReader, error) {
	nonce := make([]byte, 16)
	_, _ = rand.Read(nonce) // never fails
	key := base64.StdEncoding.EncodeToString(nonce)
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n", u.RequestURI(), u.Host, key); err != nil {
		return nil, err
	}
	reader := bufio.NewReaderSize(conn, smallBuffer)
	response, err := http.ReadResponse(reader, nil)
	switch {
	case err != nil:
		return nil, err
	case response.StatusCode != http.StatusSwitchingProtocols:
		return nil, fmt.Errorf("the server answered %s", response.Status)
	case response.Header.Get("Sec-WebSocket-Accept") != acceptKey(key):
		return nil, errors.New("the server is not a WebSocket server")
	}
	first, err := reader.Peek(reader.Buffered())
	if err != nil {
		return nil, err
	}
	return newFrameReader(conn, first), nil
}

// acceptKey returns the answer to a key (RFC 6455, section 4.2.2).
func acceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}
