package server

import (
	"log"
	"strings"
	"sync"

	"github.com/rs/zerolog"
	"golang.org/x/time/rate"
)

// A onceLog keeps others from filling the log at will: what it has seen is not
// logged again, and what is new only at a bounded rate. Its memory is bounded, so
// after many others something may be logged once more.
type onceLog struct {
	rate *rate.Limiter

	mu   sync.Mutex
	seen map[string]struct{}
}

const onceLogSize = 1000

func newOnceLog() *onceLog {
	return &onceLog{rate: rate.NewLimiter(1, 10), seen: map[string]struct{}{}}
}

// allow reports whether to log something about key.
func (o *onceLog) allow(key string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, ok := o.seen[key]; ok || !o.rate.Allow() {
		return false
	}
	if len(o.seen) == onceLogSize {
		clear(o.seen)
	}
	o.seen[key] = struct{}{}
	return true
}

// clip shortens a text that comes from elsewhere for a line of the log.
func clip(text string) string {
	const most = 100
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// httpErrorLog passes on what net/http has to say, which is about connections
// that end badly, at debug level.
func httpErrorLog(logger zerolog.Logger) *log.Logger {
	return log.New(httpErrors{logger}, "", 0)
}

type httpErrors struct{ logger zerolog.Logger }

func (h httpErrors) Write(line []byte) (int, error) {
	h.logger.Debug().Msg(strings.TrimSpace(string(line)))
	return len(line), nil
}
