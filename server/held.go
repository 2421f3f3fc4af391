package server

import (
	"context"
	"time"

	"syncabled/revlog"
)

// tendTime is how often databases are looked after that are open for long.
const tendTime = time.Hour

// tend finishes held sets of open databases that have expired, until ctx is done.
func (d *databases) tend(ctx context.Context) {
	ticker := time.NewTicker(tendTime)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			for _, db := range d.listed() {
				if err := d.tendOne(ctx, db); err != nil && ctx.Err() == nil {
					d.logger.Error().Err(err).Str("database", db.name).Msg("finish held sets")
				}
			}
		case <-ctx.Done():
			return
		}
	}
}

func (d *databases) tendOne(ctx context.Context, db *database) error {
	if err := db.lock(); err != nil {
		return err
	}
	defer db.opening.Unlock()
	if db.log == nil {
		return nil
	}
	return d.finishHeld(ctx, db.log)
}

// finishHeld commits held sets whose clients have been away for too long. They
// were acknowledged, so they are not dropped.
func (d *databases) finishHeld(ctx context.Context, log revlog.Log) error {
	finisher, ok := log.(interface {
		FinishHeld(ctx context.Context, since time.Time) error
	})
	if !ok {
		return nil
	}
	return finisher.FinishHeld(ctx, time.Now().Add(-d.expiry))
}
