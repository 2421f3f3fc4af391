package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"syscall"
	"time"
)

// A candidate is a server to compare.
type candidate struct {
	name    string
	command func(dir string) *exec.Cmd // it says on stderr where it listens
}

// measure runs a mode against a server that it starts for that, in a folder that
// it makes for that.
func (c candidate) measure(ctx context.Context, m mode) ([]figure, error) {
	dir, err := os.MkdirTemp("", "syncload-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	cmd := c.command(dir)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	drained := make(chan struct{})
	defer func() {
		end(cmd, drained)
	}()
	lines := bufio.NewReader(stderr)
	url, err := awaitURL(lines)
	go func() {
		_, _ = io.Copy(io.Discard, lines) // ends with the process
		close(drained)
	}()
	if err != nil {
		return nil, err
	}
	t, err := parseTarget(url, cmd.Process.Pid, false)
	if err != nil {
		return nil, err
	}
	return m.measure(ctx, settings{Size: 200, Patience: 30 * time.Second}, t)
}

var listening = regexp.MustCompile(`ws://127\.0\.0\.1:\d+/`)

// awaitURL reads up to the line that says where a server listens.
func awaitURL(lines *bufio.Reader) (string, error) {
	for {
		line, err := lines.ReadString('\n')
		if url := listening.FindString(line); url != "" {
			return url, nil
		}
		if errors.Is(err, io.EOF) {
			return "", errors.New("the server ended before it listened")
		} else if err != nil {
			return "", fmt.Errorf("read what the server says: %w", err)
		}
	}
}

// end ends a server, at once: its data is thrown away.
func end(cmd *exec.Cmd, drained <-chan struct{}) {
	_ = cmd.Process.Signal(syscall.SIGKILL) // it may have ended
	<-drained
	_ = cmd.Wait() // killed
}
