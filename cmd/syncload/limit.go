package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/coder/websocket"

	"syncabled/protocol"
)

// limitCommand serves the least that is durable: what a server would do that is
// nothing but a file and sockets. It appends the changes of all sets that wait,
// as they came, syncs the file, acknowledges, and sends the bytes on.
//
// It leaves out all that makes a database: it resolves no conflicts, keeps no
// objects, reads nothing back from the file, folds nothing together, and does
// not know a set that is sent again. It has one database, whatever the path. All
// changes stay in memory.
type limitCommand struct {
	Listen string `default:"127.0.0.1:0" help:"Address to listen on (${default})."`
	File   string `required:"" help:"File to append to; it is emptied."`
}

// Run serves until the program is asked to end.
func (c limitCommand) Run(w world) error {
	f, err := os.Create(c.File)
	if err != nil {
		return err
	}
	defer f.Close()
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(w.stderr, "listening on ws://%s/\n", l.Addr())
	return serveLimit(w.ctx, l, f)
}

func serveLimit(ctx context.Context, l net.Listener, f *os.File) error {
	ctx, fail := context.WithCancelCause(ctx)
	s := &limitServer{ctx: ctx, file: f, queue: make(chan *limitSet, 1024), more: make(chan struct{})}
	var running sync.WaitGroup
	running.Go(func() {
		if err := s.commit(); err != nil {
			fail(err)
		}
	})
	web := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	running.Go(func() {
		<-ctx.Done()
		_ = web.Close()
	})
	if err := web.Serve(l); err != http.ErrServerClosed {
		fail(err)
	}
	s.sessions.Wait()
	fail(nil)
	running.Wait()
	if cause := context.Cause(ctx); cause != context.Canceled {
		return cause
	}
	return nil
}

type limitServer struct {
	ctx      context.Context // of the server: its sessions end with it
	file     *os.File
	queue    chan *limitSet
	sessions sync.WaitGroup

	// Guarded by mu.
	mu   sync.Mutex
	log  []*limitSet
	more chan struct{} // closed when the log grows
}

// A limitSet is a message of changes.
type limitSet struct {
	source  *limitSession
	changes []byte // their JSON, without the brackets of the array
	done    chan struct{}
}

// commit makes sets durable, all that wait with one sync.
func (s *limitServer) commit() error {
	var group []*limitSet
	var bytes []byte
	for {
		select {
		case set := <-s.queue:
			group = append(group[:0], set)
		case <-s.ctx.Done():
			return nil
		}
		for waiting := len(s.queue); waiting > 0; waiting-- {
			group = append(group, <-s.queue)
		}
		bytes = bytes[:0]
		for _, set := range group {
			bytes = append(bytes, set.changes...)
		}
		if _, err := s.file.Write(bytes); err != nil {
			return err
		}
		if err := syncData(s.file); err != nil {
			return err
		}
		s.publish(group)
	}
}

func (s *limitServer) publish(group []*limitSet) {
	s.mu.Lock()
	s.log = append(s.log, group...)
	close(s.more)
	s.more = make(chan struct{})
	s.mu.Unlock()
	for _, set := range group {
		close(set.done)
	}
}

// after returns what follows a position, and what is closed when there is more.
func (s *limitServer) after(position int) ([]*limitSet, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log[min(position, len(s.log)):], s.more
}

// ServeHTTP runs a session to its end.
func (s *limitServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.sessions.Add(1)
	defer s.sessions.Done()
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // Accept has answered
	}
	ctx, cancel := context.WithCancel(s.ctx)
	session := &limitSession{server: s, conn: conn}
	_ = session.read(ctx) // a client that leaves is no error
	cancel()
	_ = conn.CloseNow()
	session.pushing.Wait()
}

type limitSession struct {
	server     *limitServer
	conn       *websocket.Conn
	pushing    sync.WaitGroup
	subscribed bool
}

func (s *limitSession) read(ctx context.Context) error {
	s.conn.SetReadLimit(-1)
	limits := protocol.Limits{}.WithDefaults()
	for {
		_, frame, err := s.conn.Read(ctx)
		if err != nil {
			return err
		}
		m, wrong := protocol.Decode(frame, limits)
		if wrong != nil {
			return wrong
		}
		switch m := m.(type) {
		case protocol.ClientIdentity:
			if m.Identity == "" {
				err = s.write(ctx, protocol.AppendIdentity(nil, fmt.Sprintf("%p", s)))
			}
		case protocol.Changes:
			err = s.submit(ctx, m)
		case protocol.Subscribe:
			if s.subscribed {
				return fmt.Errorf("second subscribe")
			}
			s.subscribed = true
			s.pushing.Go(func() { _ = s.push(ctx, int(m.Synced)) }) // ends with the connection
		}
		if err != nil {
			return err
		}
	}
}

func (s *limitSession) submit(ctx context.Context, m protocol.Changes) error {
	if len(m.Changes) > 0 {
		set := &limitSet{source: s, done: make(chan struct{})}
		for i, change := range m.Changes {
			if i > 0 {
				set.changes = append(set.changes, ',')
			}
			set.changes = protocol.AppendChange(set.changes, change)
		}
		select {
		case s.server.queue <- set:
		case <-ctx.Done():
			return ctx.Err()
		}
		select {
		case <-set.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return s.write(ctx, protocol.AppendAck(nil, m.RequestID))
}

// push sends what follows a position, all there is at a time.
func (s *limitSession) push(ctx context.Context, position int) error {
	var frame []byte
	for opened := false; ; {
		sets, more := s.server.after(position)
		frame = append(frame[:0], `{"type":"changes","changes":[`...)
		empty := len(frame)
		for _, set := range sets {
			if set.source == s {
				continue
			}
			if len(frame) > empty {
				frame = append(frame, ',')
			}
			frame = append(frame, set.changes...)
		}
		position += len(sets)
		if len(frame) > empty || !opened {
			opened = true
			frame = append(frame, `],"currentRevision":`...)
			frame = strconv.AppendInt(frame, int64(position), 10)
			if err := s.write(ctx, append(frame, `,"partial":false}`...)); err != nil {
				return err
			}
		}
		select {
		case <-more:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *limitSession) write(ctx context.Context, frame []byte) error {
	return s.conn.Write(ctx, websocket.MessageText, frame)
}
