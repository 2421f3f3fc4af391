package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is set by release builds.
var version = "dev"

type versionCommand struct{}

// Run prints what --version does.
func (versionCommand) Run(w world) error {
	_, err := fmt.Fprintln(w.stdout, versionText())
	return err
}

func versionText() string {
	suffix := ""
	if hash := commit(); hash != "" {
		suffix = ", commit " + hash
	}
	return fmt.Sprintf("syncabled %s (%s, %s/%s%s)", version, runtime.Version(), runtime.GOOS, runtime.GOARCH, suffix)
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
