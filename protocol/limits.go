package protocol

import "cmp"

// Limits bound what one frame may hold. A zero field means its default.
type Limits struct {
	FrameBytes  int // bytes of one frame; default 64 MiB, for clients that upload a whole database at once
	Changes     int // changes in one message; default 1,000,000
	ObjectBytes int // bytes of one object, or of the mods of one update; default 16 MiB
	Depth       int // nesting of arrays and objects in one object; default 128
	TableBytes  int // bytes of a table's name; default 256
	KeyBytes    int // bytes of a key's canonical JSON; default 4096
	PathSteps   int // steps of one key path; default 100
}

// WithDefaults returns the limits with defaults in place of zeros.
func (l Limits) WithDefaults() Limits {
	return Limits{
		FrameBytes:  cmp.Or(l.FrameBytes, 64<<20),
		Changes:     cmp.Or(l.Changes, 1_000_000),
		ObjectBytes: cmp.Or(l.ObjectBytes, 16<<20),
		Depth:       cmp.Or(l.Depth, 128),
		TableBytes:  cmp.Or(l.TableBytes, 256),
		KeyBytes:    cmp.Or(l.KeyBytes, 4096),
		PathSteps:   cmp.Or(l.PathSteps, 100),
	}
}
