package revlogtest

import (
	"errors"
	"fmt"
	"maps"
	"testing"

	"syncabled/conflict"
	"syncabled/protocol"
	"syncabled/revlog"
)

// A play is one history on a disk that may fail.
type play struct {
	t      *testing.T
	disk   Disk
	log    revlog.Log // nil if it is not open
	crash  bool       // the process ends at the fault
	cuts   int        // states to look at after a power cut
	states int        // that were looked at

	sets     map[string]promise // by name
	open     map[string]string  // names of sets that are held, by client
	follower follower
}

// A promise is what is known of a set.
type promise int

const (
	inDoubt   promise = iota // Submit failed, or is under way
	held                     // all of it but its end is held
	committed                // Submit returned
)

// setSize is how many objects each set makes, all of its name.
const setSize = 3

func newPlay(t *testing.T, disk Disk) *play {
	return &play{t: t, disk: disk, sets: map[string]promise{}, open: map[string]string{}, follower: follower{objects: map[string]string{}}}
}

// play plays the history: all that writes, each in several circumstances.
func (p *play) play() {
	p.submit("a", "plain")
	p.begin("b", "parts")
	p.together(map[string]string{"a": "first", "c": "second", "d": "third"})
	p.change("b", Update("shared", 1, `{"n":1}`), Delete("shared", 2))
	p.rest()
	p.begin("c", "more parts")
	p.do(func() error { return p.send(revlog.Resync{Client: "a"}) })
	p.finish("b")
	p.do(func() error {
		return p.send(revlog.Set{Client: "a", Stale: true, Changes: []protocol.Change{Create("shared", 1, `{"id":1}`), Create("shared", 2, `{}`)}})
	})
	p.do(func() error {
		return p.send(revlog.Set{Client: "c", Refused: []protocol.Refusal{{Table: "shared", Key: "1", Change: []byte(`{}`), Reason: "why"}}})
	})
	p.reopen()
	p.submit("d", "after")
	p.finish("c")
	p.reopen()
	p.reopen() // which mends a meta page that was torn at the last moment
	p.close()
	if err := p.disk.Verify(); err != nil {
		p.t.Error(err)
	}
}

// submit submits a set, and again until it is accepted.
func (p *play) submit(client, name string) {
	p.do(func() error {
		err := p.send(revlog.Set{Client: client, Changes: objectsOf(name)})
		if err == nil {
			p.sets[name] = committed
		}
		return err
	}, name)
}

// change submits a set of which no more is asked than that all see the same.
func (p *play) change(client string, changes ...protocol.Change) {
	p.do(func() error { return p.send(revlog.Set{Client: client, Base: p.follower.position, Changes: changes}) })
}

// begin submits the objects of a set as a part that is held.
func (p *play) begin(client, name string) {
	p.do(func() error {
		err := p.send(revlog.Set{Client: client, Changes: objectsOf(name), Partial: true})
		if err == nil {
			p.sets[name], p.open[client] = held, name
		}
		return err
	}, name)
}

// finish ends the set of a client that is held.
func (p *play) finish(client string) {
	name := p.open[client]
	p.do(func() error {
		p.sets[name] = max(p.sets[name], held)
		err := p.send(revlog.Set{Client: client})
		if err == nil {
			p.sets[name] = committed
			delete(p.open, client)
		}
		return err
	})
}

// together submits sets of several clients that are committed in one.
func (p *play) together(names map[string]string) {
	var sets []revlog.Set
	var all []string
	for _, client := range []string{"a", "c", "d"} {
		sets = append(sets, revlog.Set{Client: client, Time: arrival, Changes: objectsOf(names[client])})
		all = append(all, names[client])
	}
	p.do(func() error {
		errs := p.disk.Together(p.log, sets...)
		for i, err := range errs {
			if err == nil {
				p.sets[all[i]] = committed
			}
		}
		return errors.Join(errs...)
	}, all...)
}

func (p *play) rest() {
	p.do(func() error { p.disk.Rest(p.log); return nil })
}

func (p *play) reopen() {
	p.do(func() error { p.close(); return nil })
}

// close closes the log, if it is open. An error is about what the log did not get
// to write, and is not lost.
func (p *play) close() {
	if p.log != nil {
		_ = p.log.Close()
		p.log = nil
	}
}

func (p *play) send(c revlog.Command) error {
	_, err := p.log.Submit(p.t.Context(), arrived(c))
	return err
}

// do does something until it succeeds, and looks at the log after each time. One
// fault costs two tries at most: one that fails, and one to find that the log has
// ended itself.
func (p *play) do(try func() error, names ...string) {
	p.t.Helper()
	if p.t.Failed() {
		return
	}
	for _, name := range names {
		p.sets[name] = inDoubt
	}
	before := p.disk.Failed()
	for tries := 0; ; tries++ {
		err := p.ensureOpen()
		if err == nil {
			err = try()
		}
		if p.crash && !before && p.disk.Failed() {
			p.crashes()
			before = true
		}
		p.look()
		if err == nil {
			return
		}
		if tries == 2 || !p.disk.Failed() {
			p.t.Fatalf("try %d: %v", tries+1, err)
		}
	}
}

// ensureOpen opens the log, if it is not open.
func (p *play) ensureOpen() (err error) {
	if p.log == nil {
		p.log, err = p.disk.TryOpen()
	}
	return err
}

// crashes ends the process of the log.
func (p *play) crashes() {
	p.disk.Crash(p.t, p.log)
	p.log = nil
}

// look checks what the log promises, if it is open. A log that has ended itself is
// closed.
func (p *play) look() {
	p.t.Helper()
	if p.log == nil {
		return
	}
	err := p.follower.follow(p.t, p.log)
	if err == nil {
		_, err = p.log.Knows(p.t.Context(), stranger) // the follower may not need the file
	}
	if errors.Is(err, revlog.ErrClosed) {
		p.close()
		if errors.Is(err, revlog.ErrGivenUp) { // the file is locked until the process ends
			p.crashes()
		}
		if err := p.disk.Verify(); err != nil {
			p.t.Errorf("after the log has ended itself: %v", err)
		}
		return
	}
	if err != nil {
		p.t.Fatal(err)
	}
	p.keeps(p.log, p.follower)
}

// keeps checks what a log holds against what was promised.
func (p *play) keeps(log revlog.Log, follower follower) {
	p.t.Helper()
	l := &Log{Log: log, tb: p.t}
	objects := map[string]string{}
	found := map[string]int{}
	for _, c := range l.Objects() {
		objects[c.Table+" "+string(c.Key)] = string(c.Obj)
		found[c.Table]++
	}
	for name, promised := range p.sets {
		switch n := found[name]; {
		case n != 0 && n != setSize:
			p.t.Errorf("set %s is there in part", name)
		case promised == committed && n == 0:
			p.t.Errorf("set %s was accepted and is gone", name)
		}
	}
	if !maps.Equal(objects, follower.objects) {
		p.t.Errorf("who has followed the log to %d holds %v, the log %v", follower.position, follower.objects, objects)
	}
}

// cutPowerSoon does it at the fault, and at the writes that follow: the next
// transactions must not spoil what the disk has.
func (p *play) cutPowerSoon() {
	const soon = 12 // states, of several writes
	if p.disk.Failed() && p.states < soon {
		p.cutPower()
	}
}

// cutPower looks at all that a power cut would leave at this moment.
func (p *play) cutPower() {
	for name, remains := range p.disk.Cuts(p.t, p.cuts) {
		p.states++
		p.survives(name, remains)
		if p.t.Failed() {
			p.t.FailNow()
		}
	}
}

// survives checks what a power cut left.
func (p *play) survives(name string, remains Remains) {
	defer func() {
		if p.t.Failed() {
			p.t.Logf("after a power cut: %s", name)
		}
	}()
	log := remains.Open(p.t)
	defer log.Close()
	f := follower{position: p.follower.position, objects: maps.Clone(p.follower.objects)}
	if err := f.follow(p.t, log); err != nil {
		p.t.Errorf("who has followed the log to %d: %v", p.follower.position, err)
		return
	}
	p.keeps(log, f)
	for client, name := range p.open {
		if _, err := log.Submit(p.t.Context(), revlog.Set{Client: client, Time: arrival}); err != nil {
			p.t.Error(err)
		}
		l := &Log{Log: log, tb: p.t}
		found := 0
		for _, c := range l.Objects() {
			if c.Table == name {
				found++
			}
		}
		if found != setSize {
			p.t.Errorf("set %s was held, and %d of %d of its objects are there when it is complete", name, found, setSize)
		}
	}
	if err := errors.Join(log.Close(), remains.Verify()); err != nil {
		p.t.Error(err)
	}
}

// objectsOf returns the creation of the objects of a set.
func objectsOf(name string) []protocol.Change {
	var changes []protocol.Change
	for i := range setSize {
		changes = append(changes, Create(name, i, fmt.Sprintf(`{"id":%d}`, i)))
	}
	return changes
}

// A follower is a reader that holds what a log told it.
type follower struct {
	position protocol.Revision
	objects  map[string]string // JSON, by table and key
}

// follow reads what the follower has not seen.
func (f *follower) follow(t *testing.T, log revlog.Log) error {
	page, err := log.Read(t.Context(), revlog.Query{Reader: stranger, After: f.position})
	if err != nil {
		return err
	}
	if page.Partial || page.Revision < f.position {
		return fmt.Errorf("a page from %d leads to %d, partial %t", f.position, page.Revision, page.Partial)
	}
	for _, c := range page.Changes {
		name := c.Table + " " + string(c.Key)
		if value := conflict.Apply([]byte(f.objects[name]), c); len(value) > 0 {
			f.objects[name] = string(value)
		} else {
			delete(f.objects, name)
		}
	}
	f.position = page.Revision
	return nil
}
