//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/coder/websocket"
)

// TestFullDisk fills the disk of a server. Writers are told to come back, readers
// get what there is, and when there is room the same server goes on. Nothing that
// was acknowledged is lost.
func TestFullDisk(t *testing.T) {
	folder := t.TempDir()
	data := filepath.Join(folder, "data")
	mountDisk(t, data, "3m")
	p, addr := serve(t, folder, "--min-free", "512KiB")
	ready := func() error {
		_, err := ask(t.Context(), http.DefaultClient, "http://"+addr+"/readyz")
		return err
	}
	var acknowledged []string
	write := func(sets, size int) error {
		c, err := dial(addr, "/")
		if err != nil {
			t.Fatal(err)
		}
		defer c.conn.CloseNow()
		for range sets {
			key := fmt.Sprint("k", len(acknowledged))
			change := fmt.Sprintf(`{"type":1,"table":"items","key":%q,"obj":{"id":%[1]q,"text":%q}}`, key, strings.Repeat("x", size))
			if err := c.submitPart(change, false); err != nil {
				code, closed := c.closeCode()
				if closed != nil || code != int(websocket.StatusTryAgainLater) {
					t.Fatalf("the writer was closed with %d, %v; want 1013", code, closed)
				}
				return err
			}
			acknowledged = append(acknowledged, key)
		}
		return nil
	}
	for _, size := range []int{20_000, 2000, 100_000} { // the last are received in files
		if write(1000, size) == nil {
			t.Fatal("the disk does not fill up")
		}
		if err := ready(); err == nil || !strings.Contains(err.Error(), "disk is full") {
			t.Errorf("the disk is full, and ready says %v", err)
		}
		wantKeys(t, readAll(t, addr), acknowledged)
	}
	if err := syscall.Mount("tmpfs", data, "tmpfs", syscall.MS_REMOUNT, "size=64m"); err != nil {
		t.Fatal(err)
	}
	if err := write(20, 100_000); err != nil {
		t.Fatalf("there is room again: %v", err)
	}
	if err := ready(); err != nil {
		t.Errorf("there is room again: %v", err)
	}
	wantKeys(t, readAll(t, addr), acknowledged)
	stop(t, p)
	if code := run(context.Background(), []string{"verify", "--data", data}, os.Getenv, nil, io.Discard, os.Stderr); code != exitOK {
		t.Errorf("verify ended with %d", code)
	}
}

// mountDisk mounts a small disk for the time of the test.
func mountDisk(t *testing.T, path, size string) {
	t.Helper()
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	err := syscall.Mount("tmpfs", path, "tmpfs", 0, "size="+size)
	if errors.Is(err, syscall.EPERM) {
		t.Skip("only root can mount a small disk: run this test as root")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(path, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}

// wantKeys looks for the keys that a server acknowledged among those that it has.
func wantKeys(t *testing.T, got, want []string) {
	t.Helper()
	for _, key := range want {
		if !slices.Contains(got, key) {
			t.Errorf("%s was acknowledged and is gone", key)
		}
	}
}
