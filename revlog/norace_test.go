//go:build !race

package revlog_test

const underRace = false
