package revlog

// This file is what is known of clients.

// meet keeps in memory what the file has of a client.
func (db *DB) meet(identity string, c client) {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.noteClient(identity, c)
}

// noteClient keeps a client in memory. The caller holds mu.
func (db *DB) noteClient(identity string, c client) {
	db.clients[identity] = c
	if c.number != nobody {
		db.names[c.number] = identity
	}
}

func (f *fold) client(identity string) (client, error) {
	if c, ok := f.changed[identity]; ok {
		return c, nil
	}
	return f.view.client(identity)
}

// see notes what a set says of its client, and numbers a client that is new. The
// time is kept to the hour, so that a busy client is not stored with every set.
func (f *fold) see(set Set, old client) client {
	c := old
	if c.number == 0 {
		f.last++
		c.number = f.last
	}
	if hour := set.Time.Unix() / 3600; hour > 0 { // it may be before the last one: clocks are set back, too
		c.hour = uint64(hour)
	}
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
	f.changed[identity] = c
	f.seen = append(f.seen, identity)
}
