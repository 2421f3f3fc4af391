package revlogtest

import (
	"fmt"
	"iter"
	"testing"

	"syncabled/revlog"
)

// A Disk is a Store whose disk fails when a test says so. Its Open and what its
// logs do are deterministic: the same calls make the same writes.
type Disk interface {
	Store

	// TryOpen is Open, but returns the error.
	TryOpen() (revlog.Log, error)

	// Together submits sets that the log commits in one.
	Together(log revlog.Log, sets ...revlog.Set) []error

	// Rest has a log do what it does when nobody calls it.
	Rest(log revlog.Log)

	// Fail makes one write fail, the one after so many others. Later ones do not.
	Fail(after int, fault Fault)

	// Failed reports whether that has happened.
	Failed() bool

	// Watch has every write followed by a call.
	Watch(written func())

	// Cuts yields what a power cut at this moment may leave: of the writes that no
	// sync has confirmed, some are on the disk and others are not. At most so many
	// states are looked at.
	Cuts(tb testing.TB, most int) iter.Seq2[string, Remains]

	// Verify checks what is on the disk. No log may be open.
	Verify() error
}

// Remains is a Store that a power cut has left.
type Remains interface {
	Store
	Verify() error
}

// A Fault is how a write, or the sync behind it, fails.
type Fault int

// The faults. All of them but the last return an error.
const (
	Missed          Fault = iota // nothing is written
	Torn                         // a part is written
	Applied                      // all is written
	SyncMissed                   // all is written, and forgotten by the system: no later sync makes it durable
	SyncApplied                  // all is written, and durable
	Unreadable                   // nothing is written, and the process cannot read the file any more
	UnreadableLater              // all is written, and the process cannot read the file any more
	faults
)

func (f Fault) String() string {
	return [...]string{"missed", "torn", "applied", "sync missed", "sync applied", "unreadable", "unreadable later"}[f]
}

// RunFaults plays a short history on a disk again and again, and lets another write
// or sync fail each time, in each way. After the fault the log goes on, or ends
// itself and is opened again, or is given up and its process ends, or its process
// crashes; and at every write the power may go. Then:
//
//   - a set whose Submit returned is there, whole; any other is whole or not there
//   - a held part that was accepted is there
//   - a reader that has followed the log, whatever it took part in, ends with what
//     the log holds: nothing that it saw is gone or has become something else
//   - what is on the disk verifies
func RunFaults(t *testing.T, newDisk func(testing.TB) Disk) {
	t.Run("power cuts without a fault", func(t *testing.T) {
		p := newPlay(t, newDisk(t))
		p.cuts = 256
		p.disk.Watch(p.cutPower)
		p.play()
		t.Logf("%d states after power cuts", p.states)
	})
	for fault := range faults {
		t.Run(fault.String(), func(t *testing.T) { faultRows(t, newDisk, fault) })
	}
}

// faultRows fails one write after the other, until the history is over without.
func faultRows(t *testing.T, newDisk func(testing.TB) Disk, fault Fault) {
	rows, states := 0, 0
	for failed := true; failed; rows++ {
		for _, crash := range []bool{false, true} {
			name := fmt.Sprintf("write %d, crash %t", rows, crash)
			t.Run(name, func(t *testing.T) {
				p := newPlay(t, newDisk(t))
				p.crash, p.cuts = crash, 3
				p.disk.Fail(rows, fault)
				if !crash {
					p.disk.Watch(p.cutPowerSoon)
				}
				p.play()
				failed = p.disk.Failed()
				states += p.states
			})
		}
		if t.Failed() {
			break
		}
	}
	t.Logf("%d rows, %d states after power cuts", 2*rows, states)
}
