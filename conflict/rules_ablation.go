//go:build ablation

package conflict

var ruleTrim, ruleInset, ruleBlend, ruleYield = true, true, true, true

// Rules returns the switches of the rules.
func Rules() map[string]*bool {
	return map[string]*bool{"trim": &ruleTrim, "inset": &ruleInset, "blend": &ruleBlend, "yield": &ruleYield}
}
