package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
)

// A candidate is a server to compare.
type candidate struct {
	name    string
	command func(dir string) *exec.Cmd // it says on stderr where it listens
}

// syncabled is the server of a program of Syncabled.
func syncabled(program string) candidate {
	return candidate{"syncabled", func(dir string) *exec.Cmd {
		return exec.Command(program, "--listen", "127.0.0.1:0", "--data", filepath.Join(dir, "data"))
	}}
}

// measure runs a mode against a server that it starts for that.
func (c candidate) measure(ctx context.Context, m mode, s settings) ([]figure, error) {
	p, err := c.start()
	if err != nil {
		return nil, err
	}
	defer p.end()
	return m.measure(ctx, s, p.target)
}

// A process is a server that runs, with a folder of its own.
type process struct {
	target  target
	cmd     *exec.Cmd
	dir     string
	drained chan struct{} // closed when all it said is read
}

// start starts a server, which the caller ends.
func (c candidate) start() (*process, error) {
	dir, err := os.MkdirTemp("", "syncload-")
	if err != nil {
		return nil, err
	}
	p := &process{cmd: c.command(dir), dir: dir, drained: make(chan struct{})}
	stderr, err := p.cmd.StderrPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	lines := bufio.NewReader(stderr)
	url, err := awaitURL(lines)
	go func() {
		_, _ = io.Copy(io.Discard, lines) // ends with the process
		close(p.drained)
	}()
	if err == nil {
		p.target, err = parseTarget(url, p.cmd.Process.Pid, false)
	}
	if err != nil {
		p.end()
		return nil, err
	}
	return p, nil
}

// end ends a server, at once: its data is thrown away.
func (p *process) end() {
	_ = p.cmd.Process.Signal(syscall.SIGKILL) // it may have ended
	<-p.drained
	_ = p.cmd.Wait() // killed
	_ = os.RemoveAll(p.dir)
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
