package server_test

import (
	"encoding/hex"
	"flag"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"syncabled/server"
)

var updateScripts = flag.Bool("update", false, "rewrite what the scripts of testdata/wire expect")

// TestConversations plays the scripts of testdata/wire.
func TestConversations(t *testing.T) {
	paths, err := filepath.Glob("../testdata/wire/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			t.Parallel()
			script, err := readScript(path)
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) { play(t, script, nil) })
		})
	}
}

// play plays a script against a server of its own. If before is set, it is called
// before each step.
func play(t *testing.T, script script, before func(s *site)) {
	s := newSite(t, server.Config{})
	steps := script.steps
	for len(steps) > 0 && steps[0].verb == "config" {
		if err := configure(&s.config, &s.options, steps[0].arg); err != nil {
			t.Fatal(script.at(steps[0]), err)
		}
		steps = steps[1:]
	}
	s.start()
	c := &conversation{
		t:       t,
		site:    s,
		script:  script,
		names:   names{},
		clients: map[string]*participant{},
		edition: edition{script: script},
		before:  before,
	}
	for len(steps) > 0 {
		n := sizeOfStep(steps)
		if c.before != nil {
			c.before(s)
		}
		if steps[0].expects() {
			c.expect(steps[:n])
		} else {
			c.act(steps[0])
		}
		steps = steps[n:]
	}
	c.end()
}

// sizeOfStep counts the lines of the first step: messages that may come in any
// order are one.
func sizeOfStep(steps []step) int {
	n := 1
	for n < len(steps) && steps[0].verb == "<~" && steps[n].verb == "<~" && steps[n].who == steps[0].who {
		n++
	}
	return n
}

// A conversation is a script that is being played.
type conversation struct {
	t       *testing.T
	site    *site
	script  script
	names   names
	clients map[string]*participant
	order   []*participant // as they appeared
	last    step           // the one before
	edition edition
	before  func(*site) // called before each step, nil for nothing
}

// A participant is a client with its name.
type participant struct {
	*client
	name     string
	path     string
	header   http.Header
	waiting  []string // messages that came and were not expected yet
	finished bool     // its end was expected, or its own doing
	pushed   bool     // for -update: a batch has come
}

// act takes a step of a client or of the world.
func (c *conversation) act(s step) {
	c.t.Helper()
	if !s.follows(c.last) {
		c.settle(c.script.at(s))
	}
	c.last = s
	c.edition.keep(s)
	switch s.verb {
	case "tick":
		d, err := time.ParseDuration(s.arg)
		if err != nil {
			c.t.Fatal(c.script.at(s), err)
		}
		time.Sleep(d)
	case "restart":
		c.site.shutDown()
		if s.arg != "" {
			if err := configure(&c.site.config, &c.site.options, s.arg); err != nil {
				c.t.Fatal(c.script.at(s), err)
			}
		}
		c.site.start()
	case "connect":
		path, headers, _ := strings.Cut(s.arg, " ")
		c.join(&participant{name: s.who, path: path, header: parseHeaders(headers)})
	case "get":
		path, headers, _ := strings.Cut(s.arg, " ")
		refusal := c.site.get(path, parseHeaders(headers))
		c.add(&participant{name: s.who, client: &client{ended: &refusal}})
	case ">":
		c.send(s)
	default:
		c.handleLink(s)
	}
}

func (c *conversation) handleLink(s step) {
	c.t.Helper()
	p := c.clients[s.who]
	if p == nil || p.link == nil {
		c.t.Fatal(c.script.at(s), "no such client")
	}
	switch s.verb {
	case "stall", "resume":
		p.link.hold(s.verb == "stall")
	case "cut":
		p.finished = true
		p.cut()
	case "leave":
		p.finished = true
		p.leave()
	}
}

// send sends a frame. A client that is not connected connects, to the path it
// was connected to last.
func (c *conversation) send(s step) {
	c.t.Helper()
	p := c.clients[s.who]
	switch {
	case p == nil:
		p = c.join(&participant{name: s.who, path: "/"})
	case p.finished:
		p = c.join(&participant{name: s.who, path: p.path, header: p.header})
	}
	kind := websocket.MessageText
	frame := []byte(c.names.fill(s.arg))
	if form, digits, ok := strings.Cut(strings.TrimPrefix(s.arg, "!"), " "); ok && s.arg[0] == '!' {
		var err error
		if frame, err = hex.DecodeString(digits); err != nil {
			c.t.Fatal(c.script.at(s), err)
		}
		if form == "binary" {
			kind = websocket.MessageBinary
		}
	}
	p.sendFrame(kind, frame)
}

func (c *conversation) join(p *participant) *participant {
	c.t.Helper()
	p.client = c.site.connect(p.path, p.header)
	return c.add(p)
}

func (c *conversation) add(p *participant) *participant {
	c.clients[p.name] = p
	c.order = append(c.order, p)
	return p
}

func parseHeaders(line string) http.Header {
	headers := http.Header{}
	for header := range strings.SplitSeq(line, " | ") {
		if name, value, ok := strings.Cut(header, ": "); ok {
			headers.Add(name, value)
		}
	}
	return headers
}

// listen takes in what has come for all clients.
func (c *conversation) listen() {
	for _, p := range c.order {
		p.waiting = append(p.waiting, p.received()...)
	}
}

// expect compares what came with a step, or puts what came in its place.
func (c *conversation) expect(steps []step) {
	c.t.Helper()
	c.listen()
	s := steps[0]
	c.last = s
	p := c.clients[s.who]
	if p == nil {
		c.t.Fatal(c.script.at(s), "no such client")
	}
	var came []string // in the form of a script
	var diff string
	switch s.verb {
	case "!":
		came, diff = expectEnd(p, s)
	case "<.":
		diff = expectNothing(p)
	default:
		came, diff = c.expectMessages(p, steps)
	}
	switch {
	case diff == "":
		c.edition.keep(steps...)
	case *updateScripts:
		c.edition.replace(steps, came)
	default:
		c.t.Fatal(c.script.at(s), diff)
	}
}

func expectEnd(p *participant, s step) (came []string, diff string) {
	ended := p.ending()
	if ended == nil {
		return nil, p.name + " is connected"
	}
	p.finished = true
	code, reason, _ := strings.Cut(s.arg, " ")
	if code == fmt.Sprint(ended.code) && reasonMatches(reason, ended.reason) {
		return nil, ""
	}
	return []string{formatEnd(p)}, "got " + formatEnd(p)
}

func reasonMatches(pattern, reason string) bool {
	if start, ok := strings.CutSuffix(pattern, "…"); ok {
		return strings.HasPrefix(reason, start)
	}
	return pattern == "" || pattern == reason
}

func expectNothing(p *participant) string {
	switch {
	case len(p.waiting) > 0:
		return "this came: " + p.waiting[0]
	case !p.isOpen():
		return p.name + " is not connected"
	}
	return ""
}

func (c *conversation) expectMessages(p *participant, steps []step) (came []string, diff string) {
	n := min(len(steps), len(p.waiting))
	messages := p.waiting[:n:n]
	p.waiting = p.waiting[n:]
	rest := messages
	for _, s := range steps {
		i, diff := c.find(s, rest)
		if diff != "" {
			return c.format(p, s.verb, messages), diff
		}
		rest = append(rest[:i:i], rest[i+1:]...)
	}
	return nil, ""
}

// find returns the index of the message that a step expects.
func (c *conversation) find(s step, messages []string) (int, string) {
	diff := "nothing came"
	for i, message := range messages {
		if diff = c.compare(s, message); diff == "" {
			return i, ""
		}
	}
	return 0, diff
}

func (c *conversation) compare(s step, message string) string {
	if s.verb != "<=" {
		return c.names.match(s.arg, message)
	}
	if want := c.names.fill(s.arg); want != message {
		return fmt.Sprintf("got  %s\nwant %s", message, want)
	}
	return ""
}

// end sees to it that nothing unexpected came.
func (c *conversation) end() {
	c.t.Helper()
	c.settle(c.script.path + ": at the end:")
	if err := c.edition.save(); err != nil {
		c.t.Fatal(err)
	}
}

// settle sees to it that all that came was expected, before something new is done.
func (c *conversation) settle(where string) {
	c.t.Helper()
	c.listen()
	for _, p := range c.order {
		unexpected := c.format(p, p.order(), p.waiting)
		p.waiting = nil
		if !p.finished && p.ending() != nil {
			p.finished = true
			unexpected = append(unexpected, formatEnd(p))
		}
		if len(unexpected) > 0 && !*updateScripts {
			c.t.Fatal(where, "\nnot expected:\n", strings.Join(unexpected, "\n"))
		}
		c.edition.insert(unexpected)
	}
}

// order returns the verb for messages that are waiting. Once the first batch has
// come, acknowledgements and batches do not wait for each other.
func (p *participant) order() string {
	pushed := p.pushed
	acks, batches := p.waitingOf("ack"), p.waitingOf("changes")
	p.pushed = pushed || batches
	if pushed && acks && batches {
		return "<~"
	}
	return "<"
}

func (p *participant) waitingOf(kind string) bool {
	return slices.ContainsFunc(p.waiting, func(message string) bool {
		return strings.HasPrefix(message, `{"type":"`+kind+`"`)
	})
}

// format writes messages as steps. An identity that a client is given is named
// after the client.
func (c *conversation) format(p *participant, verb string, messages []string) []string {
	var lines []string
	for _, message := range messages {
		c.names.match(`{"type":"clientIdentity","clientIdentity":"$`+strings.ToUpper(p.name)+`"}`, message)
		lines = append(lines, p.name+verb+" "+c.names.hide(message))
	}
	return lines
}

func formatEnd(p *participant) string {
	if p.ended.reason == "" {
		return fmt.Sprintf("%s! %d", p.name, p.ended.code)
	}
	return fmt.Sprintf("%s! %d %s", p.name, p.ended.code, p.ended.reason)
}
