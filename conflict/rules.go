//go:build !ablation

package conflict

// The rules that leave every client equal to the server. With the build tag
// ablation they can be switched off, to see what breaks.
const (
	ruleTrim  = true // an UPDATE loses what others set since
	ruleInset = true // and gets what they set inside of its values
	ruleBlend = true // so does a CREATE
	ruleYield = true // what others created or deleted since stands
)
