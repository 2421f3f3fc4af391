package main

import (
	"strings"

	"github.com/agnivade/levenshtein"
)

// nearest returns the word that somebody who typed another one has probably meant, ""
// if none is near: up to two letters are wrong, or one is the beginning of the other.
func nearest(typed string, words []string) string {
	typed = strings.ToLower(typed)
	best, least := "", 3
	for _, word := range words {
		distance := levenshtein.ComputeDistance(typed, word)
		isPart := min(len(typed), len(word)) > 2 && (strings.HasPrefix(word, typed) || strings.HasPrefix(typed, word))
		if isPart {
			distance = min(distance, 2)
		}
		if distance < least && (isPart || 2*distance <= len(typed)) {
			best, least = word, distance
		}
	}
	return best
}
