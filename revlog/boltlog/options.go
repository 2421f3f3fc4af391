package boltlog

import (
	"cmp"
	"time"

	"go.etcd.io/bbolt"

	"syncabled/revlog"
)

// Options tune a DB. The zero value is for production.
type Options struct {
	// MemoryBytes bounds, roughly, the objects that are kept in memory until
	// they are written to the file. They may take twice as much while they
	// are being written. Default 32 MiB.
	MemoryBytes int

	// HeldBytesPerClient bounds what is held of one client's set until the rest
	// has come, which is in memory when it is committed. Each change, and each message,
	// counts with its bytes and 128 more. Default 256 MiB.
	HeldBytesPerClient int

	// HeldBytes bounds what is held of the sets of all clients. Default 4 GiB.
	HeldBytes int

	// Databases bounds how many databases a [Dir] makes. Default 10,000.
	Databases int

	// FreeBytes is how much of the disk has to be free for [Dir.CheckSpace].
	// Default 64 MiB.
	FreeBytes int

	// Observe, if set, is called for every group of commands that wrote something, or
	// failed, before the commands are answered. It must not block, and is called for
	// several databases at once.
	Observe func(revlog.Commit)

	bounds  bounds
	opened  func(*bbolt.DB) // if it is set, called by Open before anything is written
	givenUp func(error)     // if it is set, called when the log is given up, even by Open
}

func (o Options) withDefaults() Options {
	o.MemoryBytes = cmp.Or(o.MemoryBytes, 32<<20)
	o.HeldBytesPerClient = cmp.Or(o.HeldBytesPerClient, 256<<20)
	o.HeldBytes = cmp.Or(o.HeldBytes, 4<<30)
	o.Databases = cmp.Or(o.Databases, 10_000)
	o.FreeBytes = cmp.Or(o.FreeBytes, 64<<20)
	o.bounds = o.bounds.withDefaults()
	return o
}

// bounds say how much is done, or kept in memory, at a time. Tests make them
// small, so that a short history meets all of them.
type bounds struct {
	chunk       int // objects that are written to random pages in one transaction
	direct      int // a memtable goes to the base, if no run is live, where the database has at most so many times its objects
	mergeAt     int // runs are merged when the database has at most so many times their objects
	maxRuns     int // runs are merged when so many are live
	readChunk   int // objects that are read in one transaction
	tailEntries int // entries in the tail
	mapBytes    int // of the file that are mapped at least

	groupTime time.Duration // after which no command of a group is begun
}

func (b bounds) withDefaults() bounds {
	return bounds{
		// In key order, neighbours share pages; more at once would keep writers
		// waiting.
		chunk: cmp.Or(b.chunk, 512),
		// With ten objects on a page, two or three of a memtable, or of the runs, share one.
		direct:      cmp.Or(b.direct, 4),
		mergeAt:     cmp.Or(b.mergeAt, 3),
		maxRuns:     cmp.Or(b.maxRuns, 64),
		readChunk:   cmp.Or(b.readChunk, 4096),
		tailEntries: cmp.Or(b.tailEntries, 4096),
		// A larger map has to wait for all readers when it grows, and commits
		// wait for it. Address space costs nothing.
		mapBytes: cmp.Or(b.mapBytes, 1<<30),
		// Who sends a little comes first in a group, and should not wait for the others
		// that may be slow.
		groupTime: cmp.Or(b.groupTime, 200*time.Millisecond),
	}
}
