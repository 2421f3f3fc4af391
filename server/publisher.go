package server

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/rs/zerolog"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/server/socket"
)

// A publisher pushes to those clients of a database that have everything there is.
// It makes a frame of what is new once and offers it to all of them, one after the
// other, without waiting for any. For whom that frame is not right, or who does not
// take it in, it has the feed go on itself: the position in the log is what counts,
// and the publisher only saves the way from there.
type publisher struct {
	// Static after startPublisher.
	log    revlog.Log
	peers  func(identities []string) []*peer
	share  room
	logger zerolog.Logger
	done   chan struct{} // closed when it has ended, after the log has

	// Owned by run.
	offered []*session

	// Guarded by mu.
	mu       sync.Mutex
	position protocol.Revision // up to which it has published
	sessions []*session        // whose feeds it has, or had
	ended    bool
}

// sharedBytes is the most that a message may have that is for several clients:
// what there is room for in the socket of one that keeps up.
const sharedBytes = 64 << 10

// offersAtATime is how many clients are offered a batch before the time is asked for
// again.
const offersAtATime = 64

// startPublisher starts a publisher at the head of a database's log. It ends with the
// log.
func (d *databases) startPublisher(db *database, head protocol.Revision) *publisher {
	p := &publisher{
		log:      db.log,
		peers:    db.listedPeers,
		share:    d.share,
		logger:   d.logger.With().Str("database", db.name).Logger(),
		done:     make(chan struct{}),
		position: head,
	}
	go p.run()
	return p
}

func (p *publisher) run() {
	defer close(p.done)
	err := protect(func() error {
		for position := p.position; ; {
			head, err := p.log.Wait(context.Background(), position)
			if err != nil {
				return err
			}
			p.publish(head)
			position = head
		}
	})
	if !errors.Is(err, revlog.ErrClosed) {
		p.logger.Error().Err(failure(err).err).Msg("publisher has ended")
	}
	p.end()
}

// publish sends everybody what lies between its position and the head.
func (p *publisher) publish(head protocol.Revision) {
	p.mu.Lock()
	b := broadcast{publisher: p, from: p.position, to: head}
	p.position = head
	p.offered = append(p.offered[:0], p.sessions...)
	p.mu.Unlock()
	for some := range slices.Chunk(p.offered, offersAtATime) {
		b.time = thisMoment()
		for _, s := range some {
			s.offer(&b)
		}
	}
	clear(p.offered)
}

// end has all feeds go on themselves.
func (p *publisher) end() {
	p.mu.Lock()
	p.ended = true
	sessions := slices.Clone(p.sessions)
	p.mu.Unlock()
	for _, s := range sessions {
		s.feed.mu.Lock()
		if s.feed.holder == byPublisher && !s.feed.ended {
			s.goOnItself()
		}
		s.feed.mu.Unlock()
	}
}

// take takes the feed of a client that has everything up to a position, unless
// that is behind what is published.
func (p *publisher) take(s *session, position protocol.Revision) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended || position < p.position {
		return false
	}
	s.feed.mu.Lock()
	defer s.feed.mu.Unlock()
	if s.feed.ended {
		return false
	}
	if s.feed.place == 0 {
		p.sessions = append(p.sessions, s)
		s.feed.place = len(p.sessions)
	}
	s.feed.holder, s.feed.position = byPublisher, position
	return true
}

// leave forgets a session whose feed has ended.
func (p *publisher) leave(s *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.feed.place == 0 {
		return
	}
	last := len(p.sessions) - 1
	moved := p.sessions[last]
	p.sessions[s.feed.place-1], p.sessions[last] = moved, nil
	p.sessions = p.sessions[:last]
	moved.feed.place, s.feed.place = s.feed.place, 0
}

// A broadcast is a batch for several clients. It is made when the first one needs
// it.
type broadcast struct {
	publisher *publisher
	from, to  protocol.Revision
	time      moment // about when it is offered

	made    bool
	authors []*peer // whom it is not for
	shared  bool    // it is for all others that have its tables
	tables  []string
	asked   *tableSet // that of the last client
	fits    bool      // it has all of these tables
	changes int
	frame   []byte // empty if there is nothing to send
}

// isFor reports whether the batch is the right one for a client.
func (b *broadcast) isFor(s *session) bool {
	if !b.made {
		b.made = true
		b.make()
	}
	if !b.shared || slices.Contains(b.authors, s.peer) {
		return false
	}
	if s.tables != b.asked { // most clients have the one list of their app
		b.asked, b.fits = s.tables, s.tables.hasAll(b.tables)
	}
	return b.fits
}

func (b *broadcast) make() {
	p := b.publisher
	query := revlog.Query{After: b.from, UpTo: b.to, MaxChanges: p.share.changes, MaxBytes: p.share.bytes, Encoder: protocol.ListEncoder{}, Text: protocol.BeginChanges(nil)}
	page, err := p.log.Read(context.Background(), query)
	if err != nil || page.Partial || page.Clients == nil {
		return // each client's own feed finds out why
	}
	b.shared, b.authors, b.tables, b.changes = true, p.peers(page.Clients), page.Tables, page.Count
	b.fits = true // for clients that have all tables
	if !page.Idle && (ruleEmpty || b.changes > 0) {
		b.frame = socket.AppendFrame(nil, protocol.EndChanges(page.Text, page.Revision, false))
	}
}
