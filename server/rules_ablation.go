//go:build ablation

package server

var (
	ruleFirst, ruleEmpty, ruleResync, ruleLetGo   = true, true, true, true
	ruleLostAck, rulePartial, ruleMute, ruleFence = true, true, true, true
	ruleTakeover, ruleLate, ruleReturn            = true, true, true
	ruleSucceed, ruleStray, ruleComposed          = true, true, true
)

// Rules returns the switches of the rules.
func Rules() map[string]*bool {
	return map[string]*bool{
		"first": &ruleFirst, "empty": &ruleEmpty, "resync": &ruleResync, "let go": &ruleLetGo,
		"lost ack": &ruleLostAck, "partial": &rulePartial, "mute": &ruleMute, "fence": &ruleFence,
		"takeover": &ruleTakeover, "late": &ruleLate, "return": &ruleReturn, "succeed": &ruleSucceed,
		"stray": &ruleStray, "composed": &ruleComposed,
	}
}
