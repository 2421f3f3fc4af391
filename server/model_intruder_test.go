package server_test

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"time"
)

// intrude adds what others do with the identities of clients to a schedule in which
// that is restricted.
func (s *schedule) intrude(rng *rand.Rand, horizon time.Duration) {
	if !s.settings.grants.authorized {
		return
	}
	for range rng.IntN(5) {
		s.steps = append(s.steps, event{time.Duration(rng.Int64N(int64(horizon))), stepIntrude, rng.IntN(s.settings.clients), rng.Uint64()})
	}
}

// setClock adds jumps of the time of day to the steps of some schedules.
func (s *schedule) setClock(rng *rand.Rand, horizon time.Duration) {
	if rng.IntN(4) > 0 {
		return
	}
	for range 1 + rng.IntN(3) {
		s.steps = append(s.steps, event{time.Duration(rng.Int64N(int64(horizon))), stepClock, 0, rng.Uint64()})
	}
}

// intrude has somebody connect for a while with the identity of a client: another
// subject, or one that may only read.
func (w *world) intrude(victim *modelClient, rng *rand.Rand) {
	identity, applied := "", none
	victim.page.Load().task(func() {
		if n := victim.page.Load().node; n != nil {
			identity, applied = n.identity, n.applied
		}
	})
	w.mu.Lock()
	authorizer := w.settings.grants.authorizer(w.starts)
	w.mu.Unlock()
	if identity == "" || authorizer == nil {
		return
	}
	intruder := &modelClient{world: w, name: "X", rng: rng, borrowed: pick(rng, "X", "X read", victim.subject()+" read", victim.subject()+" read")}
	w.trace("%s presents the identity of %s", intruder.borrowed, victim.name)
	if strings.HasPrefix(intruder.borrowed, victim.subject()) {
		w.copied.Store(true)
	}
	p := &page{client: intruder, rng: rng}
	intruder.page.Store(p)
	p.task(func() {
		s := p.newSocket()
		s.onError, s.onClose, s.onMessage = func() {}, func() {}, func([]byte) {}
		s.onOpen = func() {
			s.sendJSON(map[string]any{"type": "clientIdentity", "clientIdentity": identity})
			s.sendJSON(map[string]any{"type": "changes", "changes": intruder.madeUp(rng), "baseRevision": pick(rng, none, applied),
				"partial": intruder.borrowed != "X" && rng.IntN(3) == 0, "requestId": 1})
			if rng.IntN(2) == 0 {
				s.sendJSON(map[string]any{"type": "subscribe", "syncedRevision": pick(rng, none, applied)})
			}
		}
		p.after(skewed(rng, 30*time.Second), s.close)
	})
}

// madeUp returns changes of an intruder: none, mostly.
func (c *modelClient) madeUp(rng *rand.Rand) []change {
	if rng.IntN(3) > 0 {
		return []change{}
	}
	key := modelKeys["notes"][rng.IntN(len(modelKeys["notes"]))]
	if rng.IntN(2) == 0 {
		return []change{{Type: update, Table: "notes", Key: json.RawMessage(key), Mods: mods{{"a", c.newValue(rng, 1)}}}}
	}
	return []change{{Type: create, Table: "notes", Key: json.RawMessage(key), Obj: map[string]any{"id": parsed(key), "b": c.newValue(rng, 1)}}}
}
