package fold

import (
	"time"

	"syncabled/protocol"
	"syncabled/revlog"
)

// This file keeps track of clients.

func (f *Fold) client(identity string) (Client, error) {
	if c, ok := f.result.Clients[identity]; ok {
		return c, nil
	}
	return f.view.Client(identity)
}

// number numbers a client that is new.
func (f *Fold) number(c Client) Client {
	if c.Number == Nobody {
		f.result.LastClient++
		c.Number = f.result.LastClient
	}
	return c
}

// touch notes when a client was seen and with which base, and numbers one that is new.
// The time is kept to the hour, so that a busy client is not stored with every set.
func (f *Fold) touch(identity string, old Client, seen time.Time, base protocol.Revision) Client {
	c := f.number(old)
	c.Hour = max(c.Hour, 1)                   // the clock may stand at its beginning
	if hour := seen.Unix() / 3600; hour > 0 { // it may be before the last one: clocks are set back, too
		c.Hour = uint64(hour)
	}
	c.Base = max(c.Base, base)
	c.Confirmed = c.Confirmed || base > 0
	if c != old {
		f.stage(identity, c)
	}
	return c
}

// rename gives a client another identity.
func (f *Fold) rename(r revlog.Rename) error {
	if err := checkIdentity(r.To); err != nil {
		return err
	}
	c, err := f.client(r.From)
	if err != nil || c.Number == Nobody {
		return err
	}
	other, err := f.client(r.To)
	if err != nil || other.Number != Nobody {
		return err
	}
	f.stage(r.To, c)
	f.stage(r.From, Client{})
	return nil
}

// note notes something of a client, if there is one.
func (f *Fold) note(identity string, note func(*Client)) error {
	old, err := f.client(identity)
	if err != nil || old.Number == Nobody {
		return err
	}
	c := old
	if note(&c); c != old {
		f.stage(identity, c)
	}
	return nil
}

func (f *Fold) stage(identity string, c Client) {
	f.result.Clients[identity] = c
	f.result.Identities = append(f.result.Identities, identity)
}
