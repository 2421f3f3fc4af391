//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// TestUnreadableFile cuts off the file of a database while clients use it, so that its
// pages cannot be read, as those of a bad sector. The database is given up: its clients
// are told, as is the operator. Other databases go on, and the server can be ended.
func TestUnreadableFile(t *testing.T) {
	folder := t.TempDir()
	data := filepath.Join(folder, "data")
	p, addr := serve(t, folder)
	fine, err := dial(addr, "/db/fine")
	if err != nil {
		t.Fatal(err)
	}
	var writers []*client
	for i := range 8 {
		c, err := dial(addr, "/")
		if err != nil {
			t.Fatal(err)
		}
		if err := c.submit(fmt.Sprint("before", i)); err != nil {
			t.Fatal(err)
		}
		writers = append(writers, c)
	}
	if err := os.Truncate(filepath.Join(data, "default.db"), 0); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	for i, c := range writers {
		go func() {
			if err := c.submit(fmt.Sprint("after", i)); err == nil {
				ended <- fmt.Errorf("writer %d: a set is acknowledged that cannot be on disk", i)
				return
			}
			code, err := c.closeCode()
			if err == nil && code != int(websocket.StatusInternalError) {
				err = fmt.Errorf("writer %d was closed with %d, want 1011", i, code)
			}
			ended <- err
		}()
	}
	for range writers {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if _, err := p.output.await(`"database":"default".*"message":"database has failed; it stays closed until the server is restarted"`); err != nil {
		t.Error(err)
	}
	if _, err := ask(t.Context(), http.DefaultClient, "http://"+addr+"/readyz"); err == nil || !strings.Contains(err.Error(), "503") || !strings.Contains(err.Error(), "database default") {
		t.Errorf("ready says %v", err)
	}
	if _, err := dial(addr, "/"); websocket.CloseStatus(err) != websocket.StatusInternalError || !strings.Contains(err.Error(), "until the server is restarted") {
		t.Errorf("who comes later gets %v", err)
	}
	if err := fine.submit("k"); err != nil {
		t.Errorf("another database: %v", err)
	}
	for _, args := range [][]string{{"backup", "--data", data, "--db", "default", filepath.Join(folder, "copies")}, {"verify", "--data", data}} {
		var stderr bytes.Buffer
		code := run(context.Background(), args, os.Getenv, nil, &stderr, &stderr)
		if code != exitError || !strings.Contains(stderr.String(), "until the server is restarted: its file could not be read") {
			t.Errorf("%s ends with %d: %s", args[0], code, stderr.String())
		}
	}
	stop(t, p)
}

// TestFileCutOff cuts off more or less of a file. Whatever of it is left, nobody waits
// for ever.
func TestFileCutOff(t *testing.T) {
	for _, part := range []int64{1, 2, 3, 5, 8} {
		t.Run(fmt.Sprintf("to %d eighths", part), func(t *testing.T) {
			folder := t.TempDir()
			path := filepath.Join(folder, "data", "default.db")
			p, addr := serve(t, folder)
			c, err := dial(addr, "/")
			if err != nil {
				t.Fatal(err)
			}
			for i := range 200 {
				if err := c.submit(fmt.Sprint("before", i)); err != nil {
					t.Fatal(err)
				}
			}
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Truncate(path, info.Size()*part/8); err != nil {
				t.Fatal(err)
			}
			for i := range 20 {
				if c.submit(fmt.Sprint("after", i)) == nil {
					continue
				}
				if _, err := c.closeCode(); err != nil {
					t.Fatal(err)
				}
				if c, err = dial(addr, "/"); err != nil {
					break // it is closed at once
				}
			}
			if _, err := ask(t.Context(), http.DefaultClient, "http://"+addr+"/healthz"); err != nil {
				t.Error(err)
			}
			if err := p.signal("TERM"); err != nil {
				t.Fatal(err)
			}
			if _, err := p.wait(); err != nil {
				t.Error(err)
			}
		})
	}
}
