package server

import (
	"context"
	"fmt"
	"io"
	"os"
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
}

// smallMessage is how much of a message may be in memory before it is complete.
const smallMessage = 32 << 10

func newInbox(config *Config) *inbox {
	return &inbox{
		folder:  config.ReceiveFolder,
		files:   newLine(config.ReceiveDisk),
		handled: semaphore.NewWeighted(int64(config.Limits.FrameBytes)),
	}
}

// A letter is a complete message. It is to be released when it has been handled.
type letter struct {
	text    []byte
	release func()
}

var (
	tooLong = closing{code: websocket.StatusMessageTooBig,
		reason: "frame is over the size limit; set partialsThreshold in the client's protocol to send smaller ones"}
	gaveWay = closing{code: websocket.StatusTryAgainLater,
		reason: "too much is being sent at once; set partialsThreshold in the client's protocol to send smaller messages"}
)

// receive reads a message of at most limit bytes. If the message has to give way
// it calls hangUp, which makes r fail. An error that is a closing says how to
// close the connection.
func (in *inbox) receive(ctx context.Context, r io.Reader, limit int64, hangUp func()) (letter, error) {
	r = io.LimitReader(r, limit+1)
	text, err := io.ReadAll(io.LimitReader(r, smallMessage))
	switch {
	case err != nil:
		return letter{}, err
	case int64(len(text)) > limit:
		return letter{}, tooLong
	case len(text) < smallMessage:
		return letter{text, func() {}}, nil
	}
	file, err := in.receiveFile(text, r, hangUp)
	if err != nil {
		return letter{}, err
	}
	defer file.close()
	if file.size > limit {
		return letter{}, tooLong
	}
	return in.readBack(ctx, file)
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

// readBack returns the message when there is memory for it.
func (in *inbox) readBack(ctx context.Context, m *messageFile) (letter, error) {
	if err := in.handled.Acquire(ctx, m.size); err != nil {
		return letter{}, err
	}
	release := func() { in.handled.Release(m.size) }
	text := make([]byte, m.size)
	if _, err := m.file.ReadAt(text, 0); err != nil {
		release()
		return letter{}, failure(fmt.Errorf("read back a large message: %w", err))
	}
	return letter{text, release}, nil
}

func (m *messageFile) close() {
	m.place.leave()
	_ = m.file.Close()
	_ = os.Remove(m.file.Name()) // of systems where it still has its name
}
