package fold

import (
	"bytes"
	"time"

	"syncabled/protocol"
	"syncabled/revlog"
)

// This file counts what became of changes, and keeps what was refused for the operator
// to see.

// maxRefusedBytes is how much is kept of a change that was refused.
const maxRefusedBytes = 64 << 10

// refuse keeps what was left out of a set, and has its objects repaired. What a
// client sends that may only read is of no interest to the operator.
func (f *Fold) refuse(c Client, set revlog.Set, repairs *repairs) error {
	for _, refusal := range set.Refused {
		if !set.ReadOnly {
			f.noteRefused(c, set.Time, refusal)
		}
		if !ruleRefused || refusal.Key == "" {
			continue
		}
		key, awaits := ObjectKey(refusal.Table, refusal.Key), false
		if set.ReadOnly {
			obj, err := f.object(key)
			if err != nil {
				return err
			}
			if awaits, err = f.awaitsRepair(c, max(set.Base, set.Sent), obj); err != nil {
				return err
			}
		}
		if !awaits {
			repairs.add(key, WholeDoubt())
		}
	}
	return nil
}

func (f *Fold) noteRefused(c Client, received time.Time, r protocol.Refusal) {
	f.result.Outcome.Refused++
	f.result.Refused = append(f.result.Refused, revlog.Refused{
		Client: c.Number, Received: received, Table: r.Table, Reason: r.Reason,
		Change: string(r.Change[:min(len(r.Change), maxRefusedBytes)]),
	})
}

// noteConflict counts a change that others were faster with, of which rest is
// left, if anything.
func (f *Fold) noteConflict(change, rest protocol.Change, isLeft bool) {
	switch o := &f.result.Outcome; {
	case !isLeft:
		o.Dropped++
	case !bytes.Equal(change.Mods, rest.Mods):
		o.Trimmed++
	case !bytes.Equal(change.Obj, rest.Obj):
		o.Merged++
	}
}
