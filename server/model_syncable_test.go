package server_test

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// A page is an open page of an app: what Dexie.Syncable holds in memory. All of
// it runs in one thread, as JavaScript does; what the page waits for comes back
// as a task.
type page struct {
	client *modelClient
	db     *database
	rng    *rand.Rand

	mu        sync.Mutex // held by the task that runs
	dead      bool
	node      *syncNode
	sockets   []*socket
	onChanges []func() // subscribers of db.on('changes')
	notifying bool     // a notification of them is on its way

	transactions []func() // of IndexedDB, the first one is under way

	syncing  operations    // enqueue(doSync, ...)
	applying operations    // enqueue(applyRemoteChanges, ...)
	peer     activePeer    // of connect()
	current  *continuation // connectedContinuation
}

type activePeer struct{ disconnected bool }

// A continuation is what the protocol gives to onSuccess.
type continuation struct {
	react      func(u upload, accepted func())
	disconnect func()
}

// Statuses of a node. That they change matters only because it saves the node.
const (
	statusError = -1 + iota
	statusOffline
	statusConnecting
	statusOnline
	statusSyncing
	statusErrorWillRetry
)

// task runs f in the page's thread.
func (p *page) task(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.dead {
		f()
	}
}

// after runs f in the page's thread after some time, and never at the same time
// as anything else.
func (p *page) after(d time.Duration, f func()) {
	time.AfterFunc(d+time.Duration(p.rng.Int64N(int64(time.Millisecond))), func() { p.task(f) })
}

// transaction runs f as a transaction of IndexedDB on the tables and the change
// log. Such transactions take their time, and run in the order in which they
// were begun.
func (p *page) transaction(f func()) {
	p.transactions = append(p.transactions, f)
	if len(p.transactions) == 1 {
		p.nextTransaction()
	}
}

func (p *page) nextTransaction() {
	p.after(p.client.world.settings.storageDelay(p.rng), func() {
		p.transactions[0]()
		if p.transactions = p.transactions[1:]; len(p.transactions) > 0 {
			p.nextTransaction()
		}
	})
}

// save is SyncNode.save: a transaction that waits for no other one.
func (p *page) save() { p.saveThen(func() {}) }

func (p *page) saveThen(f func()) {
	p.after(p.client.world.settings.storageDelay(p.rng), func() {
		p.db.node = p.node.clone()
		f()
	})
}

func (p *page) threshold() int { return p.client.threshold }

// localPoll is LOCAL_POLL of Dexie.Observable.
const localPoll = 500 * time.Millisecond

// cleanUp does what Dexie.Observable does at every poll: it deletes the changes
// that all nodes have, by what is stored of them.
func (p *page) cleanUp() {
	if p.db.node != nil {
		p.db.deleteOldChanges(p.db.node.myRevision)
	}
	time.AfterFunc(localPoll, func() { p.task(p.cleanUp) })
}

// operations is a queue of enqueue(): one runs at a time. If it fails, those that
// wait for it fail too.
type operations struct {
	running bool
	waiting []func(done func(ok bool))
}

func (o *operations) enqueue(operation func(done func(ok bool))) {
	if o.running {
		o.waiting = append(o.waiting, operation)
		return
	}
	o.running = true
	operation(func(ok bool) {
		waiting := o.waiting
		o.running, o.waiting = false, nil
		if !ok || len(waiting) == 0 {
			return
		}
		o.enqueue(waiting[0])
		o.waiting = append(o.waiting, waiting[1:]...)
	})
}

// connect is connectProtocol.
func (p *page) connect() {
	p.changeStatus(statusConnecting)
	p.doSync()
}

func (p *page) changeStatus(status int) {
	if p.node.status != status {
		p.node.status = status
		p.save()
	}
}

func (p *page) doSync() {
	p.syncing.enqueue(func(done func(bool)) {
		p.localChanges(func(u upload) { p.sendToProvider(u, done) })
	})
}

// sendToProvider is sendChangesToProvider.
func (p *page) sendToProvider(u upload, done func(ok bool)) {
	var final settlement // finalSyncPromise
	final.onSettled(func(c *continuation) { done(c != nil) })
	p.sync(u, syncCallbacks{
		accepted: func() {
			u.onAck.apply(p.node)
			final.onSettled(func(c *continuation) {
				if c != nil {
					p.continueSending(c)
				}
			})
			p.save()
		},
		success: func(c *continuation) { final.settle(c) },
		failed: func(again bool) {
			final.settle(nil)
			if !again {
				p.abort()
				return
			}
			p.after(reconnectDelay, func() {
				p.changeStatus(statusSyncing)
				p.doSync()
			})
			p.changeStatus(statusErrorWillRetry)
			if p.current != nil {
				p.current.disconnect()
			}
			p.current = nil
		},
	})
}

// A settlement is a promise of a continuation; nil means that it was rejected.
type settlement struct {
	settled bool
	value   *continuation
	waiting []func(*continuation)
}

func (s *settlement) settle(c *continuation) {
	if s.settled {
		return
	}
	s.settled, s.value = true, c
	for _, f := range s.waiting {
		f(c)
	}
}

func (s *settlement) onSettled(f func(*continuation)) {
	if s.settled {
		f(s.value)
		return
	}
	s.waiting = append(s.waiting, f)
}

// abort is abortTheProvider.
func (p *page) abort() {
	if p.peer.disconnected {
		return
	}
	p.peer.disconnected = true
	if p.current != nil {
		p.current.disconnect()
		p.current = nil
	}
	p.onChanges = nil
	p.changeStatus(statusError)
}

// continueSending is continueSendingChanges with continueUsingReactPattern.
func (p *page) continueSending(c *continuation) {
	p.current = c
	waiting, sending := false, false // changesWaiting, isWaitingForServer
	var react func()
	react = func() {
		if p.current == nil {
			return
		}
		waiting, sending = false, true
		p.localChanges(func(u upload) {
			switch {
			case p.current == nil:
			case len(u.changes) > 0:
				c.react(u, func() {
					u.onAck.apply(p.node)
					p.save()
					react()
				})
			default:
				sending = false
				if waiting {
					react()
				} else {
					p.changeStatus(statusOnline)
				}
			}
		})
	}
	p.onChanges = append(p.onChanges, func() {
		if p.current == nil {
			return
		}
		p.changeStatus(statusSyncing)
		if sending {
			waiting = true
		} else {
			react()
		}
	})
	react()
}

// changed has db.on('changes') fire, some time after a transaction has written.
func (p *page) changed() {
	if p.notifying {
		return
	}
	p.notifying = true
	p.after(25*time.Millisecond, func() {
		p.notifying = false
		for _, f := range slices.Clone(p.onChanges) {
			f()
		}
	})
}

// applyRemoteChanges is the function of that name.
func (p *page) applyRemoteChanges(changes []change, to revision, partial bool) {
	p.applying.enqueue(func(done func(bool)) {
		p.transaction(func() {
			if partial {
				p.db.uncommitted = append(p.db.uncommitted, changes...)
				p.client.trace("holds %d changes of a partial batch, is at %s", len(changes), to)
				p.node.applied = to
				p.saveThen(func() { done(true) })
				p.tear()
				return
			}
			p.commitRemoteChanges(changes, to)
			done(true)
		})
	})
}

// commitRemoteChanges is finallyCommitAllChanges.
func (p *page) commitRemoteChanges(changes []change, to revision) {
	d, n, before := p.db, p.node, p.db.rev
	p.client.observe(func() {
		d.applyChanges(d.uncommitted)
		d.uncommitted = nil
		d.applyChanges(changes)
	})
	n.applied = to
	n.bases = append(n.bases, remoteBase{remote: to, local: d.rev})
	if n.myRevision == before {
		n.myRevision = d.rev
	}
	for i := len(n.bases) - 1; i > 0; i-- {
		if n.myRevision >= n.bases[i].local {
			n.bases = slices.Clone(n.bases[i:])
			break
		}
	}
	p.client.trace("has applied %s and is at %s (local %d, sent %d)", text(changes), to, d.rev, n.myRevision)
	p.save()
	if d.rev != before {
		p.changed()
		p.tear()
	}
}
