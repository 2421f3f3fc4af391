//go:build race

package boltlog_test

const underRace = true
