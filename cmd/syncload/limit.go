package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// limitCommand serves the least that is durable: what a server would do that is
// nothing but a file and sockets. It appends the changes of all sets that wait,
// as they came, syncs the file, acknowledges, and sends the bytes on. With the
// sockets it does what the server does, with the same code: frames are made once
// for all who are at the head and own nothing of them, are written without
// waiting, and go out together with an acknowledgement that is due.
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
	s := &limitServer{ctx: ctx, file: f, queue: make(chan *limitSet, 1024), more: make(chan struct{}), sessions: map[*limitSession]struct{}{}}
	var running sync.WaitGroup
	running.Go(func() {
		if err := s.commit(); err != nil {
			fail(err)
		}
	})
	running.Go(s.broadcast)
	web := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, ConnContext: withConnection}
	running.Go(func() {
		<-ctx.Done()
		_ = web.Close()
	})
	if err := web.Serve(l); err != http.ErrServerClosed {
		fail(err)
	}
	s.running.Wait()
	fail(nil)
	running.Wait()
	if cause := context.Cause(ctx); cause != context.Canceled {
		return cause
	}
	return nil
}

type limitServer struct {
	ctx     context.Context // of the server: its sessions end with it
	file    *os.File
	queue   chan *limitSet
	running sync.WaitGroup // the sessions

	// Guarded by mu.
	mu       sync.Mutex
	log      []*limitSet
	more     chan struct{} // closed when the log grows
	shared   int           // position up to which broadcast has come
	sessions map[*limitSession]struct{}
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
