package server_test

import (
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"syncabled/revlog/boltlog"
	"syncabled/server"
)

// A script is a file of testdata/wire. It begins with a paragraph of prose that
// says which behaviour it shows. Below are steps, one to a line; lines that are
// empty or begin with # are not.
//
//	config NAME VALUE       sets something of the server; before all other steps
//	a = connect PATH        connects client a; headers may follow, as in
//	                        "Origin: null | Host: localhost"
//	                        (with "config grants header", "Grant: alice" or "Grant: alice read")
//	a = get PATH            asks for a page, likewise; what is answered is expected with a!
//	a> TEXT                 sends a text frame; the first step of a client that has
//	                        not connected connects it to /
//	a> !binary HEX          sends a binary frame
//	a> !bytes HEX           sends a text frame of any bytes
//	a< JSON                 the next message that a receives, compared by meaning
//	a<= TEXT                likewise, compared byte for byte
//	a<~ JSON                like a<, but adjacent such messages may come in any order
//	a<.                     nothing more comes for a, which stays connected
//	a! CODE REASON          a is closed with this code, or refused with this HTTP
//	                        status; 1006 is a connection that just broke; REASON may
//	                        be left out, and may end with "…" for more
//	a stall, a resume       a takes nothing in any more, or again
//	a cut                   a's connection breaks, without a close
//	a leave                 a closes its connection
//	tick DURATION           time passes
//	restart                 the server ends and starts again on the same files; a
//	                        setting may follow, as for config
//
// Sends of one client in adjacent lines go out back to back. Before any other
// step all is quiet: what there is to be received has come, and has to be
// expected before anything new is done. A string "$NAME" in JSON that is received
// stands for any value, always the same one; in a frame that is sent, for that value.
type script struct {
	path  string
	lines []string
	steps []step
}

// A step is a line of a script.
type step struct {
	line int // index in the script
	who  string
	verb string
	arg  string
}

var (
	clientStep = regexp.MustCompile(`^([a-z]\w*)(>|<=|<~|<\.|<|!)(?: (.*))?$`)
	openStep   = regexp.MustCompile(`^([a-z]\w*) = (connect|get) (.+)$`)
	linkStep   = regexp.MustCompile(`^([a-z]\w*) (stall|resume|cut|leave)$`)
	siteStep   = regexp.MustCompile(`^(config|tick|restart)(?: (.*))?$`)
)

func readScript(path string) (script, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return script{}, err
	}
	s := script{path: path, lines: strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")}
	prose := true
	for i, line := range s.lines {
		switch {
		case strings.TrimSpace(line) == "":
			prose = false
		case prose, strings.HasPrefix(line, "#"):
		default:
			step, err := parseStep(line)
			if err != nil {
				return script{}, fmt.Errorf("%s:%d: %w", path, i+1, err)
			}
			step.line = i
			s.steps = append(s.steps, step)
		}
	}
	return s, nil
}

// at says where a step is, for a message about it.
func (s script) at(step step) string {
	return fmt.Sprintf("%s:%d: %s\n", s.path, step.line+1, s.lines[step.line])
}

func parseStep(line string) (step, error) {
	for _, form := range []*regexp.Regexp{clientStep, openStep, linkStep} {
		if m := form.FindStringSubmatch(line); m != nil {
			return step{who: m[1], verb: m[2], arg: strings.Join(m[3:], "")}, nil
		}
	}
	if m := siteStep.FindStringSubmatch(line); m != nil {
		return step{verb: m[1], arg: m[2]}, nil
	}
	return step{}, fmt.Errorf("no step: %s", line)
}

// expects reports whether the step looks at what the server did.
func (s step) expects() bool {
	switch s.verb {
	case "<", "<=", "<~", "<.", "!":
		return true
	}
	return false
}

// configure sets what the program's flag of the same name sets.
func configure(config *server.Config, options *boltlog.Options, setting string) error {
	name, value, _ := strings.Cut(setting, " ")
	numbers := map[string]*int{
		"max-frame":                   &config.Limits.FrameBytes,
		"max-changes":                 &config.Limits.Changes,
		"max-depth":                   &config.Limits.Depth,
		"max-table":                   &config.Limits.TableBytes,
		"max-key":                     &config.Limits.KeyBytes,
		"max-steps":                   &config.Limits.PathSteps,
		"max-connections":             &config.MaxConnections,
		"max-connections-per-address": &config.MaxConnectionsPerAddress,
		"max-messages-per-second":     &config.MessagesPerSecond,
		"read-only-per-second":        &config.ReadOnlyPerSecond,
		"max-held-per-client":         &options.HeldBytesPerClient,
		"max-held":                    &options.HeldBytes,
		"max-databases":               &options.Databases,
		"page-changes":                &config.PageChanges,
		"page-bytes":                  &config.PageBytes,
	}
	var err error
	switch number := numbers[name]; {
	case number != nil:
		*number, err = strconv.Atoi(value)
	case name == "max-object":
		config.Limits.ObjectBytes, err = strconv.Atoi(value)
	case name == "held-expiry":
		config.HeldExpiry, err = time.ParseDuration(value)
	case name == "trust-proxy":
		var proxy netip.Prefix
		proxy, err = netip.ParsePrefix(value)
		config.TrustProxy = append(config.TrustProxy, proxy)
	case name == "allow-host":
		config.AllowHost = append(config.AllowHost, value)
	case name == "allow-origin":
		config.AllowOrigin = append(config.AllowOrigin, value)
	case setting == "grants header":
		config.Authorizer = headerGrants{}
	default:
		err = fmt.Errorf("no setting %q", name)
	}
	return err
}

// follows reports whether the step goes out back to back with the one before.
func (s step) follows(before step) bool {
	return s.verb == ">" && before.verb == ">" && s.who == before.who && s.line == before.line+1
}

// An edition is a script with what it expects put right.
type edition struct {
	script script
	lines  []string
	copied int // lines of the script that are in it, or replaced
}

// keep copies the script up to and with some steps.
func (e *edition) keep(steps ...step) {
	end := steps[len(steps)-1].line + 1
	e.lines = append(e.lines, e.script.lines[e.copied:end]...)
	e.copied = end
}

// replace copies the script up to some steps and puts lines in place of those.
func (e *edition) replace(steps []step, lines []string) {
	e.lines = append(e.lines, e.script.lines[e.copied:steps[0].line]...)
	e.lines = append(e.lines, lines...)
	e.copied = steps[len(steps)-1].line + 1
}

func (e *edition) insert(lines []string) {
	e.lines = append(e.lines, lines...)
}

// save writes the edition in place of the script, if it was asked for.
func (e *edition) save() error {
	if !*updateScripts {
		return nil
	}
	lines := append(e.lines, e.script.lines[e.copied:]...)
	return os.WriteFile(e.script.path, []byte(strings.Join(lines, "\n")+"\n"), 0o644)
}
