package jwtauth

import "fmt"

// Codes returns the codes of all refusals, each with its status.
func Codes() []string {
	var codes []string
	for _, k := range kinds {
		codes = append(codes, fmt.Sprintf("%s %d", k.code, k.status))
	}
	return codes
}
