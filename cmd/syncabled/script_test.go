package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/rogpeppe/go-internal/testscript"
	"go.etcd.io/bbolt"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"syncabled": main})
}

// TestScripts runs the text scripts of testdata/script. Beside the commands of
// testscript they have these:
//
//	exits CODE [ARG...]           run syncabled; it ends with this exit code
//	serve [-tty] [FLAG...]        start a server on a free port, with -tty on a terminal;
//	                              sets $ADDR to its host and port, and $ADMIN to
//	                              that of --admin
//	answers URL CODE PATTERN [HEADER...]
//	                              ask for a page, until the answer is a match
//	logged PATTERN                wait until the server has written a match to stderr
//	type TEXT                     type on its terminal; ^C is Ctrl-C
//	hangup                        close its terminal
//	signal NAME                   send it HUP, INT, TERM or KILL
//	ended CODE                    wait until it has ended with an exit code
//	client NAME [PATH [REVISION]] connect a client to / or another path, and wait for its first batch;
//	                              it may have synced up to a revision
//	denied PATH STATUS CODE       try to; the handshake is refused with an HTTP status and the code of an error
//	mint NAME [ARG...]            set $NAME to the token that syncabled token makes
//	unlogged TEXT                 the server has not written a text to stderr
//	secure NAME CERT              the same over TLS, trusting only this certificate
//	page NAME ORIGIN [HEADER...]  the same from a page of an origin
//	refused ORIGIN PATTERN [HEADER...]
//	                              connect from a page; the answer is a 403 that matches
//	certificate CERT KEY          write a new self-signed certificate for 127.0.0.1, and its key
//	submit NAME KEY               have it create an object, and wait for the ack
//	change NAME CHANGE            have it send a set of one change, and wait for the ack
//	closed NAME CODE              wait until the server has closed its connection
//	database FILE PROGRAM FORMAT  write a bbolt file of a program in a format version
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			s := &stage{clients: map[string]*client{}}
			env.Values[stageKey{}] = s
			env.Defer(s.clear)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"answers":     onStage((*stage).answers),
			"certificate": onStage((*stage).certificate),
			"change":      onStage((*stage).change),
			"client":      onStage((*stage).connect),
			"closed":      onStage((*stage).closed),
			"database":    onStage((*stage).database),
			"denied":      onStage((*stage).denied),
			"ended":       onStage((*stage).ended),
			"exits":       onStage((*stage).exits),
			"hangup":      onStage((*stage).hangUp),
			"logged":      onStage((*stage).logged),
			"mint":        onStage((*stage).mint),
			"page":        onStage((*stage).connectPage),
			"refused":     onStage((*stage).refusedPage),
			"secure":      onStage((*stage).connectSecurely),
			"serve":       onStage((*stage).serve),
			"signal":      onStage((*stage).signal),
			"submit":      onStage((*stage).submit),
			"type":        onStage((*stage).typeText),
			"unlogged":    onStage((*stage).unlogged),
		},
	})
}

// patience is how long a script waits for anything.
const patience = 30 * time.Second

// A stage has what a script acts on.
type stage struct {
	servers []*process // the last one is the one that commands speak of
	clients map[string]*client
}

type stageKey struct{}

func onStage(command func(*stage, *testscript.TestScript, []string) error) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg {
			ts.Fatalf("this command has no negation")
		}
		ts.Check(command(ts.Value(stageKey{}).(*stage), ts, args))
	}
}

// clear ends what a script left running.
func (s *stage) clear() {
	for _, c := range s.clients {
		c.conn.CloseNow()
	}
	for _, p := range s.servers {
		p.kill()
	}
}

func (s *stage) server() *process { return s.servers[len(s.servers)-1] }

func (s *stage) exits(ts *testscript.TestScript, args []string) error {
	err := ts.Exec("syncabled", args[1:]...)
	code := 0
	if ended := (*exec.ExitError)(nil); errors.As(err, &ended) {
		code = ended.ExitCode()
	} else if err != nil {
		return err
	}
	if strconv.Itoa(code) != args[0] {
		return fmt.Errorf("it ended with %d", code)
	}
	return nil
}

func (s *stage) serve(ts *testscript.TestScript, args []string) error {
	start := startPiped
	if len(args) > 0 && args[0] == "-tty" {
		start, args = startOnTerminal, args[1:]
	}
	p, err := start(ts.MkAbs("."), append([]string{"serve", "--listen", "127.0.0.1:0"}, args...))
	if err != nil {
		return err
	}
	s.servers = append(s.servers, p)
	url, err := p.output.await(`wss?://([^/\s]+)/`)
	if err != nil {
		return err
	}
	ts.Setenv("ADDR", url[1])
	if slices.Contains(args, "--admin") {
		if url, err = p.output.await(`"url":"http://([^/]+)/".*"listening for operators"`); err != nil {
			return err
		}
		ts.Setenv("ADMIN", url[1])
	}
	return nil
}

func (s *stage) answers(_ *testscript.TestScript, args []string) error {
	pattern, err := regexp.Compile(args[2])
	if err != nil {
		return err
	}
	for until := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		code, body, err := get(args[0], parseHeaders(args[3:]))
		switch {
		case err == nil && strconv.Itoa(code) == args[1] && pattern.MatchString(body):
			return nil
		case time.Now().After(until):
			return fmt.Errorf("it answered %d %s (%v)", code, body, err)
		}
	}
}

// parseHeaders parses headers of the form "Name: value".
func parseHeaders(args []string) http.Header {
	headers := http.Header{}
	for _, arg := range args {
		name, value, _ := strings.Cut(arg, ": ")
		headers.Add(name, value)
	}
	return headers
}

func get(url string, headers http.Header) (code int, body string, err error) {
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	request.Host, request.Header = headers.Get("Host"), headers // no host is that of the URL
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}

func (s *stage) logged(_ *testscript.TestScript, args []string) error {
	_, err := s.server().output.await(args[0])
	return err
}

func (s *stage) typeText(_ *testscript.TestScript, args []string) error {
	return s.server().typeText(strings.ReplaceAll(args[0], "^C", "\x03"))
}

func (s *stage) signal(_ *testscript.TestScript, args []string) error {
	return s.server().signal(args[0])
}

func (s *stage) ended(ts *testscript.TestScript, args []string) error {
	code, err := s.server().wait()
	ts.Logf("[output of the server]\n%s", s.server().output)
	if err == nil && strconv.Itoa(code) != args[0] {
		err = fmt.Errorf("the server ended with %d", code)
	}
	return err
}

func (s *stage) connect(ts *testscript.TestScript, args []string) error {
	path, revision := "/", "null"
	if len(args) > 1 {
		path = args[1]
	}
	if len(args) > 2 {
		revision = args[2]
	}
	c, err := dialFrom("ws://"+ts.Getenv("ADDR")+path, revision, nil)
	if err == nil {
		s.clients[args[0]] = c
	}
	return err
}

func (s *stage) denied(ts *testscript.TestScript, args []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, response, err := websocket.Dial(ctx, "ws://"+ts.Getenv("ADDR")+args[0], nil)
	if err == nil || response == nil {
		return fmt.Errorf("it is not refused: %v", err)
	}
	var body struct{ Error struct{ Code string } }
	if err := json.NewDecoder(response.Body).Decode(&body); err != nil {
		return err
	}
	if got := fmt.Sprint(response.StatusCode, " ", body.Error.Code); got != args[1]+" "+args[2] {
		return fmt.Errorf("it is refused with %s", got)
	}
	return nil
}

func (s *stage) hangUp(*testscript.TestScript, []string) error { return s.server().hangUp() }

func (s *stage) connectSecurely(ts *testscript.TestScript, args []string) error {
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM([]byte(ts.ReadFile(args[1])))
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}}
	return s.connectAs(args[0], "wss://"+ts.Getenv("ADDR")+"/", &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}})
}

func (s *stage) connectPage(ts *testscript.TestScript, args []string) error {
	return s.connectAs(args[0], "ws://"+ts.Getenv("ADDR")+"/", optionsOfPage(args[1], args[2:]))
}

func optionsOfPage(origin string, headers []string) *websocket.DialOptions {
	all := parseHeaders(headers)
	all.Set("Origin", origin)
	return &websocket.DialOptions{HTTPHeader: all, Host: all.Get("Host")}
}

func (s *stage) connectAs(name, url string, options *websocket.DialOptions) error {
	c, err := dialURL(url, options)
	if err == nil {
		s.clients[name] = c
	}
	return err
}

func (s *stage) refusedPage(ts *testscript.TestScript, args []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, answer, err := websocket.Dial(ctx, "ws://"+ts.Getenv("ADDR")+"/", optionsOfPage(args[0], args[2:]))
	if err == nil {
		conn.CloseNow()
		return errors.New("it was let in")
	}
	if answer == nil {
		return err
	}
	body, _ := io.ReadAll(answer.Body)
	if matched, err := regexp.Match(args[1], body); answer.StatusCode != http.StatusForbidden || !matched || err != nil {
		return fmt.Errorf("answered %d %s, %v", answer.StatusCode, body, err)
	}
	return nil
}

func (s *stage) mint(ts *testscript.TestScript, args []string) error {
	if err := ts.Exec("syncabled", append([]string{"token"}, args[1:]...)...); err != nil {
		return err
	}
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
	return nil
}

func (s *stage) unlogged(_ *testscript.TestScript, args []string) error {
	if strings.Contains(s.server().output.String(), args[0]) {
		return errors.New("the server has written it")
	}
	return nil
}

func (s *stage) certificate(ts *testscript.TestScript, args []string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		NotAfter:     time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(ts.MkAbs(args[0]), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600),
		os.WriteFile(ts.MkAbs(args[1]), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
}

func (s *stage) submit(_ *testscript.TestScript, args []string) error {
	return s.clients[args[0]].submit(args[1])
}

func (s *stage) change(_ *testscript.TestScript, args []string) error {
	return s.clients[args[0]].submitChange(args[1])
}

func (s *stage) closed(_ *testscript.TestScript, args []string) error {
	code, err := s.clients[args[0]].closeCode()
	if err == nil && strconv.Itoa(code) != args[1] {
		err = fmt.Errorf("the connection was closed with %d", code)
	}
	return err
}

// database writes what revlog looks at before it takes a file for its own.
func (s *stage) database(ts *testscript.TestScript, args []string) error {
	file, program := ts.MkAbs(args[0]), args[1]
	format, err := strconv.ParseUint(args[2], 10, 32)
	if err != nil {
		return err
	}
	db, err := bbolt.Open(file, 0o600, nil)
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		meta, err := tx.CreateBucketIfNotExists([]byte("meta"))
		if err != nil {
			return err
		}
		return errors.Join(
			meta.Put([]byte("program"), []byte(program)),
			meta.Put([]byte("format"), binary.BigEndian.AppendUint32(nil, uint32(format))))
	})
	return errors.Join(err, db.Close())
}
