package server

import (
	"maps"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/coder/websocket"
)

// Counts are what a server has counted since it was made.
type Counts struct {
	Accepted     int64            // connections that got a session
	Refused      map[string]int64 // connections that did not, by reason
	AuthFailures map[string]int64 // handshakes without the right to connect, by the code of the refusal
	Closed       map[string]int64 // sessions that have ended, by close code; "other" is all beyond 1000 to 1015

	MessagesReceived int64
	MessagesSent     int64
	SetsReceived     int64 // that were acknowledged; each part of a set counts
	ChangesReceived  int64 // of those sets
	ChangesSent      int64

	// Clients, or objects, that something is wrong with.
	Ahead             int64 // clients that have seen more than their database has; see Status.Ahead
	Collisions        int64 // sets, once for each of their tables, of which an object was dropped because clients count the keys
	Stuck             int64 // clients that do not apply what they are sent
	IdentityConflicts int64 // identities that two devices use at the same time
}

// A refusal is a reason to give a connection no session.
type refusal int

const (
	refusedPath        refusal = iota // it stands for no database
	refusedHost                       // it is for a host that the server does not answer for; requests for pages count, too
	refusedOrigin                     // pages of the origin may not connect
	refusedAccess                     // it has no right to connect
	refusedHandshake                  // it is no proper WebSocket handshake
	refusedDraining                   // the server is ending
	refusedConnections                // there are as many as there may be
	refusedAddress                    // there are as many from its address as there may be
	refusals           int     = iota
)

var refusalNames = [refusals]string{"path", "host", "origin", "access", "handshake", "draining", "connections", "address"}

// counts is Counts while it is counted, by all sessions at once.
type counts struct {
	accepted     atomic.Int64
	refused      [refusals]atomic.Int64
	authFailures namedCounts
	closed       [closeCodes + 1]atomic.Int64 // by close code from 1000; the last is all others

	messagesReceived, messagesSent atomic.Int64
	setsReceived                   atomic.Int64
	changesReceived, changesSent   atomic.Int64

	collisions, stuck, identityConflicts atomic.Int64
}

// closeCodes is how many close codes, from 1000 on, are counted by themselves:
// those of RFC 6455. The others are up to the client.
const closeCodes = 16

func (c *counts) refuse(r refusal) { c.refused[r].Add(1) }

// countPushed counts changes that are sent to the client.
func (s *session) countPushed(changes int) {
	s.pushed.Add(int64(changes))
	s.server.counts.changesSent.Add(int64(changes))
}

func (c *counts) close(code websocket.StatusCode) {
	i := int(code - websocket.StatusNormalClosure)
	if i < 0 || i >= closeCodes {
		i = closeCodes
	}
	c.closed[i].Add(1)
}

// Counts returns what the server has counted so far. It costs the sessions
// nothing.
func (s *Server) Counts() Counts {
	c := &s.counts
	all := Counts{
		Accepted:         c.accepted.Load(),
		Refused:          map[string]int64{},
		AuthFailures:     c.authFailures.all(),
		Closed:           map[string]int64{"other": c.closed[closeCodes].Load()},
		MessagesReceived: c.messagesReceived.Load(),
		MessagesSent:     c.messagesSent.Load(),
		SetsReceived:     c.setsReceived.Load(),
		ChangesReceived:  c.changesReceived.Load(),
		ChangesSent:      c.changesSent.Load(),

		Collisions:        c.collisions.Load(),
		Stuck:             c.stuck.Load(),
		IdentityConflicts: c.identityConflicts.Load(),
	}
	for _, n := range s.ahead.counts() {
		all.Ahead += int64(n)
	}
	for r, name := range refusalNames {
		all.Refused[name] = c.refused[r].Load()
	}
	for i := range closeCodes {
		if n := c.closed[i].Load(); n > 0 {
			all.Closed[strconv.Itoa(int(websocket.StatusNormalClosure)+i)] = n
		}
	}
	return all
}

// namedCounts counts what has names that come from elsewhere: the first ones by
// themselves, and all others as "other".
type namedCounts struct {
	mu     sync.Mutex
	byName map[string]int64
}

const mostNames = 32

func (n *namedCounts) add(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.byName == nil {
		n.byName = map[string]int64{}
	}
	if _, ok := n.byName[name]; !ok && len(n.byName) >= mostNames {
		name = "other"
	}
	n.byName[name]++
}

func (n *namedCounts) all() map[string]int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return maps.Clone(n.byName)
}
