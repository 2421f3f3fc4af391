package server_test

import (
	"encoding/json"
	"strconv"
	"time"
)

// This file is the WebSocket sample protocol of the Dexie repository.

const reconnectDelay = 5 * time.Second

// syncCallbacks are the callbacks of ISyncProtocol.sync.
type syncCallbacks struct {
	accepted func()              // onChangesAccepted
	success  func(*continuation) // onSuccess
	failed   func(again bool)    // onError, again after reconnectDelay or never
}

// A fromServer is any message of the server.
type fromServer struct {
	Type            string      `json:"type"`
	ClientIdentity  string      `json:"clientIdentity"`
	RequestID       json.Number `json:"requestId"`
	Message         string      `json:"message"`
	Changes         []change    `json:"changes"`
	CurrentRevision revision    `json:"currentRevision"`
	Partial         bool        `json:"partial"`
}

// sync is the protocol's method of that name.
func (p *page) sync(u upload, callbacks syncCallbacks) {
	synced := p.node.applied
	requests := 0
	acceptCallbacks := map[string]func(){}
	ws := p.newSocket()
	sendMessage := func(u upload, first bool, accepted func()) {
		requests++
		acceptCallbacks[strconv.Itoa(requests)] = accepted
		p.client.trace("%s sends %s at base %s, partial %t, first %t, request %d (would have sent up to %d)",
			ws.name, text(u.changes), u.base, u.partial, first, requests, u.onAck.myRevision)
		changes := u.changes
		if changes == nil {
			changes = []change{}
		}
		ws.sendJSON(map[string]any{"type": "changes", "changes": changes, "partial": u.partial, "first": first,
			"baseRevision": u.base, "requestId": requests})
	}
	send := p.cutting(sendMessage)
	ws.onOpen = func() {
		p.client.forgot = p.client.forgot || p.client.named && p.node.identity == ""
		identity := map[string]any{"type": "clientIdentity", "clientIdentity": stringOrNull(p.node.identity)}
		subscribe := map[string]any{"type": "subscribe", "syncedRevision": synced}
		p.client.nameTables(identity, subscribe)
		ws.sendJSON(identity)
		send(u, callbacks.accepted)
		p.client.trace("%s subscribes from %s", ws.name, synced)
		ws.sendJSON(subscribe)
	}
	ws.onError = func() {
		ws.close()
		callbacks.failed(true)
	}
	ws.onClose = func() { callbacks.failed(true) }
	isFirstRound := true
	ws.onMessage = func(frame []byte) {
		var msg fromServer
		if err := json.Unmarshal(frame, &msg); err != nil {
			p.client.world.fail("%s gets a frame that is no message: %v", p.client.name, err)
			return
		}
		switch msg.Type {
		case "changes":
			p.client.trace("%s brings %s, revision %s, partial %t", ws.name, text(msg.Changes), msg.CurrentRevision, msg.Partial)
			p.checkTables(msg.Changes)
			p.applyRemoteChanges(msg.Changes, msg.CurrentRevision, msg.Partial)
			if isFirstRound && !msg.Partial {
				callbacks.success(&continuation{react: send, disconnect: ws.close})
				isFirstRound = false
			}
		case "ack":
			accepted := acceptCallbacks[msg.RequestID.String()]
			if accepted == nil {
				p.client.world.fail("%s gets an unknown ack %s", p.client.name, msg.RequestID)
				return
			}
			p.client.trace("%s acks %s", ws.name, msg.RequestID)
			delete(acceptCallbacks, msg.RequestID.String())
			accepted()
		case "clientIdentity":
			p.client.trace("%s gives the identity %s", ws.name, msg.ClientIdentity)
			p.node.identity, p.client.named = msg.ClientIdentity, true
			p.save()
		case "error":
			p.client.world.fail("%s gets an error: %s", p.client.name, msg.Message)
		}
	}
}

func stringOrNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
