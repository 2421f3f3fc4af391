package server

import (
	"math"
	"time"
)

// A server has two clocks. The time of day, [Config.Now], is for what comes with a
// date: when a grant expires, when a set was received. It can be set forward or back
// at any moment, so no duration is measured with it. Durations are the difference of
// two moments, or of two times of time.Now, whose monotonic readings Go compares.

// A moment is a reading of the monotonic clock, in nanoseconds: as precise as a
// time.Time, but it fits an atomic. Zero is long ago.
type moment int64

// epoch is long before anything that the process does. It is also before the year
// 2000, in which the clocks of synctest begin, and after 1885, or it would have no
// monotonic reading.
var epoch = time.Now().Add(-50 * 365 * 24 * time.Hour)

func thisMoment() moment { return moment(time.Since(epoch)) }

// momentOf returns the moment of a time that time.Now has returned.
func momentOf(t time.Time) moment { return moment(t.Sub(epoch)) }

// age returns how long ago the moment was.
func (m moment) age() time.Duration { return time.Since(epoch) - time.Duration(m) }

// after returns the moment after some time, which may be the longest there is.
func (m moment) after(d time.Duration) moment { return m + min(moment(d), math.MaxInt64-m) }
