package boltlog

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"syscall"
	"unsafe"

	"go.etcd.io/bbolt"

	"syncabled/revlog"
)

// A FaultyDisk is one database in a file whose writes fail when a test says so. It
// knows what of the file is on the disk, as far as syncs have confirmed it.
//
// bbolt has no layer to put it in, so it takes the place of the function that bbolt
// writes with. It does not see syncs, but where they are: one before each meta page
// is written, one after it. For an error of a sync it lets the write before return
// it; bbolt then does the same, it rolls back.
type FaultyDisk struct {
	dir     string
	options Options
	log     *Stepper
	copies  int

	after  int // writes until one fails; negative if none does
	fault  int
	failed bool
	seen   func()

	unreadable func() // makes the file so

	durable []byte      // what a power cut leaves for certain
	pending []diskWrite // may be on the disk, in any selection; a sync confirms them
	lost    []diskWrite // likewise, but no sync will
}

type diskWrite struct {
	at   int64
	data []byte
}

// The faults, in the order of revlogtest's.
const (
	diskMissed = iota
	diskTorn
	diskApplied
	diskSyncMissed
	diskSyncApplied
	diskUnreadable
	diskUnreadableLater
)

// NewFaultyDisk returns a disk with nothing on it.
func NewFaultyDisk(dir string, options Options) *FaultyDisk {
	return &FaultyDisk{dir: dir, options: options, after: -1}
}

func (d *FaultyDisk) path() string { return filepath.Join(d.dir, fmt.Sprintf("%d.db", d.copies)) }

// TryOpen opens the log.
func (d *FaultyDisk) TryOpen() (*Stepper, error) {
	options := d.options
	options.opened = d.attach
	db, err := open(d.path(), options)
	if err != nil {
		return nil, err
	}
	// Opening has made durable what the file shows.
	content, err := os.ReadFile(d.path())
	if err != nil {
		return nil, err
	}
	d.durable, d.pending, d.lost = content, nil, nil
	d.log = &Stepper{db}
	return d.log, nil
}

// attach puts the disk under a file that bbolt has opened.
func (d *FaultyDisk) attach(bolt *bbolt.DB) {
	bolt.AllocSize = 1 // small files
	d.unreadable = func() {
		if makeUnreadable == nil { // then these faults are like others
			return
		}
		if err := makeUnreadable(bolt, 0); err != nil {
			panic(err)
		}
	}
	interpose(bolt, d.write)
}

// interpose has a file that bbolt has opened written by a function, which is given the
// one that wrote it before.
func interpose(bolt *bbolt.DB, write func(file func([]byte, int64) (int, error), b []byte, at int64) (int, error)) {
	field := reflect.ValueOf(bolt).Elem().FieldByName("ops").FieldByName("writeAt")
	writeAt := (*func([]byte, int64) (int, error))(unsafe.Pointer(field.UnsafeAddr()))
	if field.Type() != reflect.TypeOf(*writeAt) {
		panic("bbolt no longer writes with ops.writeAt")
	}
	file := *writeAt
	*writeAt = func(b []byte, at int64) (int, error) { return write(file, b, at) }
}

func (d *FaultyDisk) write(file func([]byte, int64) (int, error), b []byte, at int64) (int, error) {
	if isMeta(at) {
		d.sync() // of the pages that it makes count
	}
	d.after--
	if d.after == -1 {
		return d.fail(file, b, at)
	}
	return d.writeThrough(file, b, at)
}

func (d *FaultyDisk) writeThrough(file func([]byte, int64) (int, error), b []byte, at int64) (int, error) {
	n, err := file(b, at)
	d.note(b, at)
	if isMeta(at) {
		d.sync()
	}
	return n, err
}

func isMeta(at int64) bool { return at < int64(2*os.Getpagesize()) }

func (d *FaultyDisk) fail(file func([]byte, int64) (int, error), b []byte, at int64) (int, error) {
	d.failed = true
	switch d.fault {
	case diskUnreadable:
		d.unreadable()
		return 0, syscall.EIO
	case diskUnreadableLater:
		d.unreadable()
		return d.writeThrough(file, b, at)
	case diskMissed:
		return 0, syscall.EIO
	}
	if d.fault == diskTorn {
		b = b[:16+40] // of what a meta page says, the first half
	}
	_, err := file(b, at)
	d.note(b, at)
	switch {
	case d.fault == diskSyncMissed:
		d.lost, d.pending = append(d.lost, d.pending...), nil
	case d.fault > diskSyncMissed:
		d.sync()
	}
	if d.seen != nil {
		d.seen()
	}
	return 0, errors.Join(err, syscall.EIO)
}

// note notes a write that no sync has confirmed.
func (d *FaultyDisk) note(b []byte, at int64) {
	d.pending = append(d.pending, diskWrite{at, append([]byte(nil), b...)})
	if d.seen != nil && len(d.durable) > 0 {
		d.seen()
	}
}

// sync confirms what is pending.
func (d *FaultyDisk) sync() {
	for _, w := range d.pending {
		d.durable = w.onto(d.durable)
		d.lost = slices.DeleteFunc(d.lost, func(l diskWrite) bool { // it is written over
			return l.at < w.at+int64(len(w.data)) && w.at < l.at+int64(len(l.data))
		})
	}
	d.pending = nil
}

func (w diskWrite) onto(b []byte) []byte {
	if end := int(w.at) + len(w.data); end > len(b) {
		b = append(b, make([]byte, end-len(b))...)
	}
	copy(b[w.at:], w.data)
	return b
}

// Fail makes a write fail.
func (d *FaultyDisk) Fail(after, fault int) { d.after, d.fault = after, fault }

// Failed reports whether it has.
func (d *FaultyDisk) Failed() bool { return d.failed }

// Watch calls seen after each write.
func (d *FaultyDisk) Watch(seen func()) { d.seen = seen }

// Crash leaves the file as it is at this moment.
func (d *FaultyDisk) Crash() error {
	content, err := os.ReadFile(d.path())
	if err != nil {
		return err
	}
	old := d.path()
	d.copies++
	err = os.WriteFile(d.path(), content, 0o600)
	if d.log != nil {
		err = errors.Join(err, d.log.Abandon())
		d.log = nil
	}
	return errors.Join(err, os.Remove(old))
}

// Verify verifies the file.
func (d *FaultyDisk) Verify() error {
	_, err := Verify(d.path())
	return err
}

// Cuts yields files that a power cut may leave: all selections of the writes that
// are not confirmed, or a sample of them that has all and none.
func (d *FaultyDisk) Cuts(most int) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		writes := append(append([]diskWrite(nil), d.lost...), d.pending...)
		all := uint64(1)<<len(writes) - 1
		random := rand.New(rand.NewPCG(uint64(len(writes)), uint64(most)))
		for i := range min(uint64(most), all+1) {
			chosen := i
			switch {
			case all < uint64(most):
			case i == 0:
				chosen = all
			case i > 1:
				chosen = random.Uint64() & all
			default:
				chosen = 0
			}
			b := append([]byte(nil), d.durable...)
			for n, w := range writes {
				if chosen&(1<<n) != 0 {
					b = w.onto(b)
				}
			}
			if !yield(fmt.Sprintf("of %d writes, %b are on the disk", len(writes), chosen), b) {
				return
			}
		}
	}
}

// Submit commits a command, alone.
func (s *Stepper) Submit(_ context.Context, c revlog.Command) (revlog.Receipt, error) {
	if s.file.hasEnded() {
		return revlog.Receipt{}, revlog.ErrClosed
	}
	group := []*request{s.order.newRequest(c)}
	s.order.commit(group)
	s.objects.doDue()
	return group[0].receipt, group[0].err
}

// Close ends the log as its committer would.
func (s *Stepper) Close() error {
	s.file.end()
	s.order.finish()
	return s.order.closeErr
}
