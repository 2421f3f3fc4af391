package server

import (
	"container/list"
	"sync"
	"time"
)

// A line bounds what is unfinished: handshakes, or large messages on their way
// in. Who wants to hold on to more than there is room for makes those give way
// that are at it for longest. Honest clients are quick, so it is not they.
type line struct {
	most int64

	mu     sync.Mutex
	weight int64
	places list.List // of *place, oldest first
}

// A place is in a line until it leaves, or has to give way.
type place struct {
	line    *line
	giveWay func() // must not block

	// Guarded by line.mu.
	element *list.Element // nil if it is no longer in the line
	weight  int64
	since   time.Time
}

func newLine(most int64) *line { return &line{most: most} }

// join takes a place at the end of the line. It is called back if it has to give
// way, and is then out of the line.
func (l *line) join(giveWay func()) *place {
	p := &place{line: l, giveWay: giveWay, since: time.Now()}
	l.mu.Lock()
	defer l.mu.Unlock()
	p.element = l.places.PushBack(p)
	return p
}

// isBusy reports whether the line is full of places that are younger than age:
// of those that will soon leave by themselves.
func (l *line) isBusy(age time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.weight >= l.most && time.Since(l.places.Front().Value.(*place).since) < age
}

// add makes a place weigh more. If that is too much, the oldest places give way,
// in the end this one too.
func (p *place) add(weight int64) {
	for _, oldest := range p.line.add(p, weight) {
		oldest.giveWay()
	}
}

func (l *line) add(p *place, weight int64) (out []*place) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p.element == nil {
		return nil
	}
	p.weight += weight
	l.weight += weight
	for l.weight > l.most {
		oldest := l.places.Front().Value.(*place)
		l.remove(oldest)
		out = append(out, oldest)
	}
	return out
}

func (p *place) leave() {
	p.line.mu.Lock()
	defer p.line.mu.Unlock()
	if p.element != nil {
		p.line.remove(p)
	}
}

func (l *line) remove(p *place) {
	l.places.Remove(p.element)
	p.element = nil
	l.weight -= p.weight
}
