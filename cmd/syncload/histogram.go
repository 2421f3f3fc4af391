package main

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// A histogram counts times to 3 % of their value. Many may add at once.
type histogram struct {
	counts [64 * steps]atomic.Uint64
	most   atomic.Int64
}

const (
	stepBits = 5
	steps    = 1 << stepBits // for each power of two
)

func (h *histogram) add(nanoseconds int64) {
	n := uint64(max(nanoseconds, 1))
	for most := h.most.Load(); int64(n) > most && !h.most.CompareAndSwap(most, int64(n)); {
		most = h.most.Load()
	}
	h.counts[bucket(n)].Add(1)
}

func bucket(n uint64) int {
	power := bits.Len64(n) - 1
	if power < stepBits {
		return int(n)
	}
	return power*steps + int(n>>(power-stepBits))&(steps-1)
}

// upper returns the largest time of a bucket.
func upper(bucket int) time.Duration {
	power, step := bucket/steps, bucket%steps
	if power < stepBits {
		return time.Duration(bucket)
	}
	return time.Duration((steps+step+1)<<(power-stepBits) - 1)
}

func (h *histogram) count() uint64 {
	var n uint64
	for i := range h.counts {
		n += h.counts[i].Load()
	}
	return n
}

// quantile returns the time that a part of all, from 0 to 1, does not exceed.
func (h *histogram) quantile(part float64) time.Duration {
	rest := uint64(part * float64(h.count()))
	for i := range h.counts {
		n := h.counts[i].Load()
		if n > rest {
			return min(upper(i), h.max())
		}
		rest -= n
	}
	return h.max()
}

func (h *histogram) max() time.Duration { return time.Duration(h.most.Load()) }
