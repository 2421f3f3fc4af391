package server

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/coder/websocket"
	"golang.org/x/sync/semaphore"
)

// An inbox bounds what messages of clients take of memory, however many come in
// at once and however slowly. A small message is received in memory. The rest of
// a larger one goes to a file, until it is complete; then it is read back and
// handled, as many at once as there is memory for. If there is too much in files,
// the oldest messages that are not complete give way.
type inbox struct {
	folder  string
	files   *line               // bytes in files
	handled *semaphore.Weighted // bytes of large messages that are being handled
	passing *semaphore.Weighted // those of such messages that are not so large
	letters sync.Pool           // small ones that were handled
}

// smallMessage is how much of a message may be in memory before it is complete.
const smallMessage = 32 << 10

// A message of at most passingMessage does not wait for larger ones: there is memory for
// some more of them.
const (
	passingMessage  = 1 << 20
	passingMessages = 8
)

func newInbox(config *Config) *inbox {
	return &inbox{
		folder:  config.ReceiveFolder,
		files:   newLine(config.ReceiveDisk),
		handled: semaphore.NewWeighted(int64(config.Limits.FrameBytes)),
		passing: semaphore.NewWeighted(passingMessages * passingMessage),
	}
}

// usualMessage is the room that most messages fit in, and the most that is kept for
// the next one.
const usualMessage = 1 << 10

// A letter is a complete message. It is to be opened before it is handled, and then
// released, or else dropped.
type letter struct {
	text  []byte
	inbox *inbox
	file  *messageFile        // has the text of a large one that is not open
	room  *semaphore.Weighted // that a large one takes when it is open
}

// open reads back a large message when there is memory for it.
func (l *letter) open(ctx context.Context) error {
	if l.file == nil {
		return nil
	}
	defer l.drop()
	room := l.inbox.handled
	if l.file.size <= passingMessage {
		room = l.inbox.passing
	}
	if err := room.Acquire(ctx, l.file.size); err != nil {
		return err
	}
	l.text, l.room = make([]byte, l.file.size), room
	if _, err := l.file.file.ReadAt(l.text, 0); err != nil {
		l.release()
		return failure(fmt.Errorf("read back a large message: %w", err))
	}
	return nil
}

// drop frees the disk that a message takes which is not open.
func (l *letter) drop() {
	if l.file != nil {
		l.file.close()
		l.file = nil
	}
}

// release gives back the room that a large message takes.
func (l *letter) release() {
	if l.room != nil {
		l.room.Release(int64(len(l.text)))
	}
}

// reuse gives the memory of a small message to another one. Nothing may refer to it
// any more.
func (l *letter) reuse() {
	if l.room != nil || cap(l.text) > usualMessage {
		return
	}
	if spoil != nil {
		spoil(l.text)
	}
	l.text = l.text[:0]
	l.inbox.letters.Put(l)
}

// spoil, if it is set, is called with memory before it is reused: so tests find who
// still refers to it.
var spoil func([]byte)

var (
	tooLong = closing{code: websocket.StatusMessageTooBig,
		reason: "message is over the size limit; the server's operator can raise --max-frame"}
	gaveWay = closing{code: websocket.StatusTryAgainLater,
		reason: "too many large messages are arriving at once; try again, or raise --max-receiving on the server"}
)

// receive reads a message of at most limit bytes, to be opened. If the message has to give way
// it calls hangUp, which makes r fail. An error that is a closing says how to
// close the connection.
func (in *inbox) receive(r io.Reader, limit int64, hangUp func()) (*letter, error) {
	l := in.letter()
	err := l.read(r, int(min(limit+1, smallMessage)))
	switch {
	case err != nil:
		return nil, err
	case int64(len(l.text)) > limit:
		return nil, tooLong
	case len(l.text) < smallMessage:
		return l, nil
	}
	return in.receiveLarge(l.text, r, limit, hangUp)
}

func (in *inbox) letter() *letter {
	if l, ok := in.letters.Get().(*letter); ok {
		return l
	}
	return &letter{text: make([]byte, 0, usualMessage), inbox: in}
}

// read reads until the message ends or has a length.
func (l *letter) read(r io.Reader, length int) error {
	for len(l.text) < length {
		if len(l.text) == cap(l.text) {
			l.text = slices.Grow(l.text, len(l.text))
		}
		n, err := r.Read(l.text[len(l.text):min(cap(l.text), length)])
		l.text = l.text[:len(l.text)+n]
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// receiveLarge receives the rest of a message.
func (in *inbox) receiveLarge(start []byte, rest io.Reader, limit int64, hangUp func()) (*letter, error) {
	file, err := in.receiveFile(start, io.LimitReader(rest, limit+1-int64(len(start))), hangUp)
	if err != nil {
		return nil, err
	}
	if file.size > limit {
		file.close()
		return nil, tooLong
	}
	return &letter{inbox: in, file: file}, nil
}

// A messageFile is a message that is, or was, too large for memory.
type messageFile struct {
	file  *os.File
	size  int64
	place *place
	out   atomic.Bool // it had to give way
}

// receiveFile puts the start of a message and the rest of it into a file.
func (in *inbox) receiveFile(start []byte, rest io.Reader, hangUp func()) (*messageFile, error) {
	file, err := os.CreateTemp(in.folder, ".message-*")
	if err != nil {
		return nil, failure(fmt.Errorf("receive a large message: %w", err))
	}
	_ = os.Remove(file.Name()) // where open files can lose their names, no crash leaves it behind
	m := &messageFile{file: file}
	m.place = in.files.join(func() {
		m.out.Store(true)
		hangUp()
	})
	if err = m.take(start); err == nil {
		err = m.takeAll(rest, start)
	}
	if err != nil {
		m.close()
		return nil, err
	}
	return m, nil
}

func (m *messageFile) take(piece []byte) error {
	if m.place.add(int64(len(piece))); m.out.Load() {
		return gaveWay
	}
	n, err := m.file.Write(piece)
	m.size += int64(n)
	if err != nil {
		return failure(fmt.Errorf("receive a large message: %w", err))
	}
	return nil
}

// takeAll takes what comes, by way of a buffer.
func (m *messageFile) takeAll(rest io.Reader, buffer []byte) error {
	for {
		n, err := rest.Read(buffer)
		if taken := m.take(buffer[:n]); taken != nil {
			return taken
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}

func (m *messageFile) close() {
	m.place.leave()
	_ = m.file.Close()
	_ = os.Remove(m.file.Name()) // of systems where it still has its name
}
