//go:build !ablation

package fold

// The rules that leave every client equal to the server. With the build tag
// ablation they can be switched off, to see what breaks.
const (
	ruleOwn       = true // a client's own changes are no conflicts
	ruleBases     = true // each message of a set has its own base
	ruleUnchanged = true // what changes nothing is not appended
	ruleNet       = true // a batch has one change per object
	ruleMark      = true // objects are repaired
	ruleCrossing  = true // and again if a change crosses that
	ruleNarrow    = true // but for what is not in doubt
	ruleResynced  = true // a resync counts as a repair
	ruleJoin      = true // and an older one goes on to count
	ruleSpare     = true // what only the client touched is no part of a resync
	ruleDoubt     = true // a change of a base that may be too old has its object repaired
	ruleStale     = true // so has one that may be older than what came elsewhere
	ruleStored    = true // unless the object is as it would make it
	ruleBaseBack  = true // a base below an earlier one makes a set stale
	ruleUnheard   = true // objects of which the client may not have heard are repaired
	ruleRefused   = true // so are those of refused changes
	ruleReadOnly  = true // and those that a client would change that may not
	ruleAttempt   = true // what is held of an earlier attempt is dropped when the next begins
	ruleApart     = true // so are those of a set that leaves what is held as it is
	ruleAsCreate  = true // what clients cannot update goes down whole
	ruleNewTables = true // a table that a client had not named before is given to it
	ruleGiven     = true // and that counts as a repair
	ruleTableBase = true // what it changed there before was made on nothing
)
