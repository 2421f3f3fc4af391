//go:build !race

package server_test

// defaultSchedules is how many schedules the model test runs.
const defaultSchedules = 2000
