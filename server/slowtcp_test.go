//go:build linux || darwin

package server_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"syncabled/server"
)

var slowLines = flag.Bool("slow-lines", false, "TestSlowLines downloads 9 MB at 40, 20 and 10 KB a second, which takes a quarter of an hour")

// upload writes some MiB.
func (s *tcpSite) upload(mebibytes int) {
	s.t.Helper()
	conn := s.connect(nil)
	s.write(conn, identity("writer"), changes(1, objectsOf(mebibytes)...))
	if got := s.read(conn); got != firstAck {
		s.t.Fatalf("got %s, want an ack", got)
	}
	conn.Close(websocket.StatusNormalClosure, "")
}

// download reads what a client gets that has nothing, and returns how many changes that
// is.
func (s *tcpSite) download(conn *websocket.Conn, name string) int {
	s.t.Helper()
	s.write(conn, identity(name), subscribe(0))
	for n := 0; ; {
		var message struct {
			Changes []json.RawMessage
			Partial bool
		}
		if err := json.Unmarshal([]byte(s.read(conn)), &message); err != nil {
			s.t.Fatal(err)
		}
		if n += len(message.Changes); !message.Partial {
			return n
		}
	}
}

// A trickle is a connection that is read a little at a time until it is opened.
type trickle struct {
	net.Conn
	opened chan struct{}
}

func (c trickle) Read(b []byte) (int, error) {
	select {
	case <-c.opened:
		return c.Conn.Read(b)
	case <-time.After(50 * time.Millisecond):
		return c.Conn.Read(b[:min(len(b), 800)])
	}
}

// A piece takes several timeouts, and the system acknowledges something all the while.
func TestTricklingPeerIsKept(t *testing.T) {
	const timeout = 3 * time.Second
	config := server.Config{WriteTimeout: timeout}
	for name, start := range map[string]func(*testing.T, server.Config) *tcpSite{"plain": startTCP, "TLS": startEncryptedTCP} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, config)
			s.upload(2)
			s.dialer.Control = withSmallSegments
			opened := make(chan struct{})
			slow := s.connect(func(conn *net.TCPConn) net.Conn {
				_ = conn.SetReadBuffer(8 << 10) // what the client's system holds, it has taken in
				return trickle{conn, opened}
			})
			defer time.AfterFunc(3*timeout, func() { close(opened) }).Stop()
			if n := s.download(slow, "slow"); n != len(objectsOf(2)) {
				t.Errorf("got %d objects, want %d", n, len(objectsOf(2)))
			}
		})
	}
}

// withSmallSegments has a connection acknowledge little at a time, as on a line, and not
// as a machine does with itself.
func withSmallSegments(_, _ string, conn syscall.RawConn) error {
	var failed error
	err := conn.Control(func(fd uintptr) {
		failed = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_MAXSEG, 536)
	})
	return errors.Join(err, failed)
}

// The system of a client that reads nothing acknowledges what it has room for, and then
// nothing.
func TestPeerThatReadsNothingIsClosed(t *testing.T) {
	const timeout = 400 * time.Millisecond
	config := server.Config{WriteTimeout: timeout, PingInterval: time.Hour}
	for name, start := range map[string]func(*testing.T, server.Config) *tcpSite{"plain": startTCP, "TLS": startEncryptedTCP} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, config)
			s.upload(8)
			begun := time.Now()
			s.write(s.connect(nil), identity("stuck"), subscribe(0))
			for {
				if code, ended := s.endOf("stuck"); ended {
					if code != 1006.0 {
						t.Errorf("ended with %v, want 1006", code)
					}
					return
				}
				if time.Since(begun) > timeout+10*time.Second {
					t.Fatal("open 10 s after the write timeout")
				}
				time.Sleep(10 * time.Millisecond)
			}
		})
	}
}

// endOf returns how the connection of a client ended, if it has.
func (s *tcpSite) endOf(client string) (code any, ended bool) {
	for _, event := range s.events.about("connection ended") {
		if event["client"] == client {
			return event["code"], true
		}
	}
	return nil, false
}

// Whoever takes in what it is sent has all the time it needs.
func TestSlowLines(t *testing.T) {
	if !*slowLines {
		t.Skip("takes a quarter of an hour: -slow-lines")
	}
	ways := map[string]func(t *testing.T) *tcpSite{
		"plain": func(t *testing.T) *tcpSite { return startTCP(t, server.Config{}) },
		"TLS":   func(t *testing.T) *tcpSite { return startEncryptedTCP(t, server.Config{}) },
		"nginx": func(t *testing.T) *tcpSite { return behindNginx(t, startTCP(t, server.Config{})) },
	}
	for name, start := range ways {
		for _, perSecond := range []int{40_000, 20_000, 10_000} {
			t.Run(fmt.Sprintf("%s at %d", name, perSecond), func(t *testing.T) {
				t.Parallel()
				s := start(t)
				s.upload(9)
				begun := time.Now()
				slow := s.connect(func(conn *net.TCPConn) net.Conn { return slowConn{conn, perSecond} })
				defer func() { t.Logf("after %v: %v", time.Since(begun), s.events.about("connection ended")) }()
				if n := s.download(slow, "slow"); n != len(objectsOf(9)) {
					t.Errorf("got %d objects, want %d", n, len(objectsOf(9)))
				}
			})
		}
	}
}

// behindNginx starts nginx with the sample in docs/deploy, without TLS, in front of a
// server, and returns the site as it is there.
func behindNginx(t *testing.T, s *tcpSite) *tcpSite {
	t.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil {
		t.Skip("there is no nginx")
	}
	sample, err := os.ReadFile("../docs/deploy/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address, folder := l.Addr().String(), t.TempDir()
	l.Close()
	text := regexp.MustCompile(`(?m)^\s*ssl_.*$`).ReplaceAllString(string(sample), "")
	text = strings.NewReplacer("listen 443 ssl", "listen "+address, "127.0.0.1:8080", s.address, "sync.example.com", siteHost).Replace(text)
	text = fmt.Sprintf("daemon off; pid %[1]s/pid; error_log stderr;\nevents {}\nhttp {\naccess_log off; client_body_temp_path %[1]s;\n"+
		"proxy_temp_path %[1]s; fastcgi_temp_path %[1]s; uwsgi_temp_path %[1]s; scgi_temp_path %[1]s;\n%[2]s\n}\n", folder, text)
	path := filepath.Join(folder, "nginx.conf")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program, "-c", path)
	command.Stderr = os.Stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Signal(os.Interrupt)
		_ = command.Wait()
	})
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	front := *s
	front.address = address
	return &front
}
