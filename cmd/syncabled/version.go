package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is set by release builds.
var version = "dev"

type versionCommand struct{}

func (versionCommand) Run(w world) error {
	suffix := ""
	if hash := commit(); hash != "" {
		suffix = ", commit " + hash
	}
	_, err := fmt.Fprintf(w.stdout, "syncabled %s (%s, %s/%s%s)\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH, suffix)
	return err
}

// commit returns the commit that the program was built from, "" if it is not known.
func commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			return setting.Value[:min(12, len(setting.Value))]
		}
	}
	return ""
}
