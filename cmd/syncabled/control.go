package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"syncabled/server"
)

// A running server listens on a socket in its data folder for what only those
// may ask who can write there.

func socketPath(data string) string { return filepath.Join(data, "control.sock") }

// listenControl listens on the socket. The lock on the folder is held, so a
// socket that is there was left by a server that was killed.
func listenControl(data string) (net.Listener, error) {
	path := socketPath(data)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen for the operator: %w", err)
	}
	return l, os.Chmod(path, 0o600)
}

// serveControl serves the socket until the function it returns is called.
func serveControl(data string, handler http.Handler) (end func(), err error) {
	l, err := listenControl(data)
	if err != nil {
		return nil, err
	}
	return serveBeside(l, &http.Server{Handler: handler}), nil
}

// controlClient returns a client of the server that serves a data folder.
func controlClient(data string) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socketPath(data))
		},
	}}
}

// controlTimeout is how long a server may take to say how it is.
const controlTimeout = 5 * time.Second

// errServer is wrapped by the errors that a running server answers with.
var errServer = errors.New("server")

// askControl asks a running server for something.
func askControl(ctx context.Context, client *http.Client, path string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://control"+path, nil)
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		defer response.Body.Close()
		reason, _ := io.ReadAll(io.LimitReader(response.Body, 4096))
		return nil, fmt.Errorf("%w: %s", errServer, bytes.TrimSpace(reason))
	}
	return response, nil
}

// fetchBackup writes a copy of a database of a running server.
func fetchBackup(ctx context.Context, client *http.Client, name string, w io.Writer) error {
	response, err := askControl(ctx, client, "/backup/"+name)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	n, err := io.Copy(w, response.Body)
	if err != nil {
		return err
	}
	if response.Trailer.Get(server.LengthTrailer) != strconv.FormatInt(n, 10) {
		return errors.New("the copy is incomplete; the log of the server says why")
	}
	return nil
}

// fetchLog writes entries of a database of a running server.
func fetchLog(ctx context.Context, client *http.Client, name string, query url.Values, w io.Writer) error {
	response, err := askControl(ctx, client, "/log/"+name+"?"+query.Encode())
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = io.Copy(w, response.Body)
	return err
}
