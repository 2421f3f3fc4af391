package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// A usage is what a process has used: CPU time since its start, and memory now.
// It is read from /proc, and stays zero where there is none.
type usage struct {
	cpu      time.Duration
	resident int // bytes
}

// tick is the unit of CPU times in /proc, the same on all Linux machines.
const tick = 10 * time.Millisecond

func (t target) usage() usage {
	if t.pid == 0 {
		return usage{}
	}
	return usage{cpu: cpuOf(t.pid), resident: residentOf(t.pid)}
}

func cpuOf(pid int) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// The name of the program, in parentheses, may hold anything.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	const user, system = 11, 12 // after the name
	if len(fields) <= system {
		return 0
	}
	u, _ := strconv.Atoi(fields[user])
	s, _ := strconv.Atoi(fields[system])
	return time.Duration(u+s) * tick
}

func residentOf(pid int) int {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
			return kib << 10
		}
	}
	return 0
}
