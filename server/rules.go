//go:build !ablation

package server

// The rules that leave every client equal to the server. With the build tag
// ablation they can be switched off, to see what breaks.
const (
	ruleFirst    = true // a subscription is answered, with an empty batch if need be
	ruleEmpty    = true // batches that hold nothing are sent for their position
	ruleResync   = true // who subscribes from before what was sent gets it anew
	ruleLetGo    = true // after an empty batch
	ruleLostAck  = true // so does who wrote before and has no position
	rulePartial  = true // partial messages leave the client at its position
	ruleMute     = true // the newest connection speaks for the client
	ruleFence    = true // once the older one has all that it was sent
	ruleTakeover = true // the first set after that may be stale
	ruleComposed = true // so may all messages of a set that was made up at once
	ruleLate     = true // unless it is late: then the older one goes on
	ruleSucceed  = true // a new identity in the place of one starts with all it may know
	ruleStray    = true // with what it alone changed, if an old batch may still come
	ruleReturn   = true // who is muted is closed when the one that spoke has ended
)
