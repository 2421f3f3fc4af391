//go:build race

package server_test

// defaultSchedules is how many schedules the model test runs: few, because the
// race detector slows it down.
const defaultSchedules = 100
