package server_test

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// A schedule is what happens to a world, all of it made from one seed. Steps can
// be left out without the others becoming different ones.
type schedule struct {
	seed     uint64
	settings settings
	steps    []event
}

// settings are the circumstances of a schedule.
type settings struct {
	clients     int
	thresholds  []int // partialsThreshold of each client
	cutTo       int   // how many changes clients send in one message; 0 is any number
	pageChanges int
	idleTime    time.Duration
	slowNetwork time.Duration // how long a packet may take
	slowStorage time.Duration // how long a transaction may take
	early       bool          // users edit before they are connected for the first time
	deep        bool          // users make changes that are over a limit
	forbidden   bool          // users make changes with key paths that are not allowed
	grants      grants
	naming      naming
}

func (s settings) latency(rng *rand.Rand) time.Duration {
	return skewed(rng, s.slowNetwork)
}

func (s settings) storageDelay(rng *rand.Rand) time.Duration {
	return skewed(rng, s.slowStorage)
}

// skewed returns a time up to most, mostly a short one.
func skewed(rng *rand.Rand, most time.Duration) time.Duration {
	x := rng.Float64()
	return time.Duration(x * x * x * x * float64(most))
}

// An event is one thing that happens to a client or to the server.
type event struct {
	at     time.Duration
	kind   eventKind
	client int
	seed   uint64
}

type eventKind string

const (
	stepEdit     eventKind = "edit"
	stepCut      eventKind = "cut"       // a connection breaks
	stepOutage   eventKind = "outage"    // a client's network is gone for a while
	stepDeafen   eventKind = "deafen"    // a connection goes silent towards the client
	stepMute     eventKind = "mute"      // a connection goes silent towards the server
	stepHoldUp   eventKind = "hold up"   // what a connection brings to the client comes late
	stepCrash    eventKind = "crash"     // a client crashes
	stepPowerCut eventKind = "power cut" // a client crashes, and its connections stay
	stepTear     eventKind = "tear"      // a client crashes when it has applied its next batch, before it stores the position
	stepRestart  eventKind = "restart"   // the server restarts
	stepLogin    eventKind = "login"     // another user of a client logs in, who loads the page again
	stepPermit   eventKind = "permit"    // a client may write from now on, or no longer
	stepKill     eventKind = "kill"      // the server crashes
	stepIntrude  eventKind = "intrude"   // somebody presents a client's identity who may not go on with its sets
	stepClock    eventKind = "clock"     // the server's time of day is set
	stepSchema   eventKind = "schema"    // a client's app gets another version, with other tables
)

var faultKinds = []eventKind{stepCut, stepOutage, stepDeafen, stepMute, stepCrash, stepPowerCut, stepRestart, stepKill}

func newSchedule(seed uint64, faults []eventKind) schedule {
	rng := rand.New(rand.NewPCG(seed, 0))
	s := schedule{seed: seed, settings: newSettings(rng)}
	faults = slices.DeleteFunc(slices.Clone(faults), func(eventKind) bool { return rng.IntN(2) == 0 })
	n := 5 + rng.IntN(50)
	horizon := time.Duration(n) * pick(rng, 50*time.Millisecond, 300*time.Millisecond, time.Second, 3*time.Second)
	faultRate := pick(rng, 0, 0.05, 0.2, 0.5)
	if len(faults) == 0 {
		faultRate = 0
	}
	for range n {
		kind := stepEdit
		if rng.Float64() < faultRate {
			kind = pick(rng, faults...)
		}
		s.steps = append(s.steps, event{time.Duration(rng.Int64N(int64(horizon))), kind, rng.IntN(s.settings.clients), rng.Uint64()})
	}
	s.settings.forbidden = rand.New(rand.NewPCG(seed, 11)).IntN(8) == 0
	if len(faults) > 0 {
		s.holdUp(rand.New(rand.NewPCG(seed, 5)), horizon)
	}
	s.grant(rand.New(rand.NewPCG(seed, 6)), horizon, len(faults) > 0)
	if len(faults) > 0 {
		s.intrude(rand.New(rand.NewPCG(seed, 7)), horizon)
		s.setClock(rand.New(rand.NewPCG(seed, 8)), horizon)
		s.tear(rand.New(rand.NewPCG(seed, 12)), horizon)
	}
	s.nameTables(rand.New(rand.NewPCG(seed, 10)), horizon, len(faults) > 0)
	slices.SortFunc(s.steps, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	return s
}

// holdUp adds what is late to the steps of some schedules.
func (s *schedule) holdUp(rng *rand.Rand, horizon time.Duration) {
	if rng.IntN(3) > 0 {
		return
	}
	for range 1 + rng.IntN(6) {
		s.steps = append(s.steps, event{time.Duration(rng.Int64N(int64(horizon))), stepHoldUp, rng.IntN(s.settings.clients), rng.Uint64()})
	}
}

// tear adds crashes between the transactions of a batch to the steps of some schedules.
func (s *schedule) tear(rng *rand.Rand, horizon time.Duration) {
	if rng.IntN(3) > 0 {
		return
	}
	for range 1 + rng.IntN(4) {
		s.steps = append(s.steps, event{time.Duration(rng.Int64N(int64(horizon))), stepTear, rng.IntN(s.settings.clients), rng.Uint64()})
	}
}

func newSettings(rng *rand.Rand) settings {
	s := settings{
		clients:     1 + rng.IntN(4),
		pageChanges: pick(rng, 0, 0, 1, 2, 3),
		idleTime:    pick(rng, time.Second, time.Minute),
		slowNetwork: pick(rng, 10*time.Millisecond, 200*time.Millisecond, 2*time.Second),
		slowStorage: pick(rng, time.Millisecond, 50*time.Millisecond, time.Second),
		early:       rng.IntN(2) == 0,
		deep:        rng.IntN(8) == 0,
	}
	for range s.clients {
		s.thresholds = append(s.thresholds, pick(rng, math.MaxInt, math.MaxInt, 1, 2, 3))
	}
	return s
}

func pick[T any](rng *rand.Rand, from ...T) T { return from[rng.IntN(len(from))] }

// String describes the schedule.
func (s schedule) String() string {
	text := fmt.Sprintf("seed %d, %+v", s.seed, s.settings)
	for _, step := range s.steps {
		text += fmt.Sprintf("\n  %10s %s of client %d", step.at.Round(time.Millisecond), step.kind, step.client)
	}
	return text
}
