//go:build !unix

package main

import "os"

// pollable returns the file; there are no terminals to test with.
func pollable(f *os.File) (*os.File, error) { return f, nil }
