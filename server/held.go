package server

import (
	"context"
	"errors"
	"time"

	"syncabled/revlog"
)

// dateInterval is how often the time of day is looked at. It may have been set.
const dateInterval = time.Minute

// tend finishes held sets of open databases that have expired, until ctx is done.
func (d *databases) tend(ctx context.Context) {
	ticker := time.NewTicker(dateInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			for _, db := range d.listed() {
				if log := db.current(); log != nil { // one that is being opened is looked after then
					d.finishHeld(ctx, db.name, log)
				}
			}
		case <-ctx.Done():
			return
		}
	}
}

// finishHeld commits held sets whose clients have been away for too long. They
// were acknowledged, so they are not dropped. What fails is tried again later.
func (d *databases) finishHeld(ctx context.Context, name string, log revlog.Log) {
	expirer, ok := log.(revlog.Expirer)
	if !ok {
		return
	}
	now := d.now()
	expired, err := expirer.Expired(ctx, now, d.expiry)
	for i := 0; i < len(expired) && err == nil; i++ {
		_, err = log.Submit(ctx, revlog.Finish{Client: expired[i], Time: now, Limits: d.limits})
	}
	if err == nil || errors.Is(err, revlog.ErrClosed) || ctx.Err() != nil {
		return
	}
	if d.failed.allow(name + " " + err.Error()) {
		d.logger.Error().Err(err).Str("database", name).Msg("finish held sets")
	}
}
