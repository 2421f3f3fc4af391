package revlog

// This file is what a fold knows of clients.

func (f *fold) client(identity string) (client, error) {
	if c, ok := f.known[identity]; ok {
		return c, nil
	}
	c, err := f.view.client(identity)
	if err == nil && c.number != 0 {
		f.known[identity] = c
	}
	return c, err
}

// see notes what a set says of its client, and numbers a client that is new. The
// time is kept to the hour, so that a busy client is not stored with every set.
func (f *fold) see(set Set, old client) client {
	c := old
	if c.number == 0 {
		f.last++
		c.number = f.last
	}
	c.hour = max(c.hour, uint64(max(set.Time.Unix(), 0)/3600))
	if !set.Resync {
		c.base = max(c.base, set.Base)
	}
	if c != old {
		f.remember(set.Client, c)
	}
	return c
}

// rename gives a client another identity.
func (f *fold) rename(from, to string) error {
	c, err := f.client(from)
	if err != nil || c.number == nobody {
		return err
	}
	other, err := f.client(to)
	if err != nil || other.number != nobody {
		return err
	}
	f.remember(to, c)
	f.remember(from, client{})
	return nil
}

func (f *fold) remember(identity string, c client) {
	f.known[identity] = c
	f.seen = append(f.seen, identity)
}
