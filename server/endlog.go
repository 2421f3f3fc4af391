package server

import (
	"context"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/time/rate"
)

// An endLog limits the events that connections leave when they end, or a client that
// connects a thousand times a second would fill the disk of the log. What is left out
// is counted, and the number is logged. A server with many clients can restart, and
// all of them come back, with every event in the log.
type endLog struct {
	logger zerolog.Logger
	due    reminder // something was left out

	mu        sync.Mutex
	all       *rate.Limiter
	failures  *rate.Limiter            // of this side; they do not count among the others
	byAddress map[string]*rate.Limiter // of the others
	left      int
	leftFails int
	lastFail  error
}

// Rates are events a second. The bursts are for clients that all end at once.
const (
	endsPerSecond       = 20
	endsAtOnce          = 10_000
	addressEndsAtOnce   = 1000
	failuresAtOnce      = 1000
	mostEndAddresses    = 1000
	leftOutDelay        = 10 * time.Second
	addressEndsInterval = time.Second
)

func newEndLog(logger zerolog.Logger) *endLog {
	return &endLog{
		logger:    logger,
		due:       newReminder(),
		all:       rate.NewLimiter(endsPerSecond, endsAtOnce),
		failures:  rate.NewLimiter(endsPerSecond, failuresAtOnce),
		byAddress: map[string]*rate.Limiter{},
	}
}

// allow reports whether to log that a connection of an address has ended, with an
// error if it failed on this side.
func (l *endLog) allow(address string, err error) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err != nil && l.failures.Allow(), err == nil && l.of(address).Allow() && l.all.Allow():
		return true
	case err != nil:
		l.leftFails, l.lastFail = l.leftFails+1, err
	default:
		l.left++
	}
	l.due.ask()
	return false
}

// of returns the limiter of an address. If there are too many, all begin anew: then
// it is the limiter of all that counts.
func (l *endLog) of(address string) *rate.Limiter {
	limiter := l.byAddress[address]
	if limiter == nil {
		if len(l.byAddress) == mostEndAddresses {
			clear(l.byAddress)
		}
		limiter = rate.NewLimiter(rate.Every(addressEndsInterval), addressEndsAtOnce)
		l.byAddress[address] = limiter
	}
	return limiter
}

// run logs how much was left out, now and then, until ctx is done.
func (l *endLog) run(ctx context.Context) {
	defer l.report()
	l.due.run(ctx, leftOutDelay, l.report)
}

func (l *endLog) report() {
	l.mu.Lock()
	left, failed, last := l.left, l.leftFails, l.lastFail
	l.left, l.leftFails, l.lastFail = 0, 0, nil
	l.mu.Unlock()
	if left > 0 {
		l.logger.Info().Int("count", left).Msg("connection events left out: too many connections end")
	}
	if failed > 0 {
		l.logger.Error().Err(last).Int("count", failed).Msg("connection errors left out: too many connections fail; this is the last error")
	}
}
