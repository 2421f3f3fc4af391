//go:build ablation

package fold

var (
	ruleOwn, ruleBases, ruleUnchanged, ruleNet           = true, true, true, true
	ruleMark, ruleCrossing, ruleResynced, ruleJoin       = true, true, true, true
	ruleNarrow, ruleSpare, ruleStored                    = true, true, true
	ruleDoubt, ruleStale, ruleBaseBack, ruleUnheard      = true, true, true, true
	ruleRefused, ruleReadOnly, ruleApart, ruleAsCreate   = true, true, true, true
	ruleNewTables, ruleGiven, ruleTableBase, ruleAttempt = true, true, true, true
)

// Rules returns the switches of the rules.
func Rules() map[string]*bool {
	return map[string]*bool{
		"own": &ruleOwn, "bases": &ruleBases, "unchanged": &ruleUnchanged, "net": &ruleNet,
		"mark": &ruleMark, "crossing": &ruleCrossing, "resynced": &ruleResynced, "join": &ruleJoin,
		"narrow": &ruleNarrow, "spare": &ruleSpare, "stored": &ruleStored,
		"doubt": &ruleDoubt, "stale": &ruleStale, "base back": &ruleBaseBack, "unheard": &ruleUnheard,
		"refused": &ruleRefused, "read only": &ruleReadOnly, "apart": &ruleApart, "as create": &ruleAsCreate,
		"attempt":    &ruleAttempt,
		"new tables": &ruleNewTables, "given": &ruleGiven, "table base": &ruleTableBase,
	}
}
