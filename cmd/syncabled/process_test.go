package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"sync"
	"syscall"
	"time"

	"github.com/creack/pty"
)

// A process is a running program.
type process struct {
	cmd      *exec.Cmd
	output   *output  // what it writes to stderr, or to its terminal
	terminal *os.File // nil if it has none
	ended    chan struct{}
}

// startPiped starts syncabled in a folder.
func startPiped(folder string, args []string) (*process, error) {
	p := newProcess(folder, args)
	p.cmd.Stderr = p.output
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go p.reap()
	return p, nil
}

// startOnTerminal starts syncabled in a folder on a terminal of its own.
func startOnTerminal(folder string, args []string) (*process, error) {
	p := newProcess(folder, args)
	terminal, err := pty.Start(p.cmd)
	if err == nil {
		terminal, err = pollable(terminal)
	}
	if err != nil {
		return nil, err
	}
	p.terminal = terminal
	go func() {
		_, _ = io.Copy(p.output, terminal) // ends when the last writer has
		p.reap()
	}()
	return p, nil
}

func newProcess(folder string, args []string) *process {
	cmd := exec.Command("syncabled", args...)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "NO_COLOR=1")
	ended := make(chan struct{})
	return &process{cmd: cmd, output: newOutput(ended), ended: ended}
}

func (p *process) reap() {
	_ = p.cmd.Wait() // wait looks at the state
	close(p.ended)
}

// wait returns the exit code when the process has ended.
func (p *process) wait() (int, error) {
	select {
	case <-p.ended:
		return p.cmd.ProcessState.ExitCode(), nil
	case <-time.After(patience):
		return 0, fmt.Errorf("it has not ended; it wrote:\n%s", p.output)
	}
}

var signalsByName = map[string]syscall.Signal{"HUP": syscall.SIGHUP, "INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL}

func (p *process) signal(name string) error {
	sig, ok := signalsByName[name]
	if !ok {
		return fmt.Errorf("no signal %s", name)
	}
	return p.cmd.Process.Signal(sig)
}

func (p *process) typeText(text string) error {
	if p.terminal == nil {
		return errors.New("it has no terminal")
	}
	_, err := p.terminal.WriteString(text)
	return err
}

// hangUp closes the terminal.
func (p *process) hangUp() error {
	if p.terminal == nil {
		return errors.New("it has no terminal")
	}
	return p.terminal.Close()
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.ended
	if p.terminal != nil {
		_ = p.terminal.Close()
	}
}

// An output is what a process has written so far.
type output struct {
	ended <-chan struct{} // of the process

	mu   sync.Mutex
	text []byte
	more chan struct{} // closed when text grows
}

func newOutput(ended <-chan struct{}) *output {
	return &output{ended: ended, more: make(chan struct{})}
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text = append(o.text, b...)
	close(o.more)
	o.more = make(chan struct{})
	return len(b), nil
}

func (o *output) String() string {
	text, _ := o.read()
	return text
}

func (o *output) read() (text string, more <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.text), o.more
}

// await waits until the output matches and returns the match with its groups.
func (o *output) await(pattern string) ([]string, error) {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, err
	}
	timeout := time.After(patience)
	for last := false; ; {
		text, more := o.read()
		if match := re.FindStringSubmatch(text); match != nil {
			return match, nil
		}
		if last {
			return nil, fmt.Errorf("no match for %s in:\n%s", pattern, text)
		}
		select {
		case <-more:
		case <-o.ended:
			last = true
		case <-timeout:
			last = true
		}
	}
}
