package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// healthCommand asks a running server how it is.
type healthCommand struct {
	URL     string  `name:"url" placeholder:"URL" help:"Server to ask, such as http://127.0.0.1:8080. Otherwise it is the one at --admin, or at --listen."`
	Admin   address `placeholder:"ADDR" help:"Address for operators of a server of this machine."`
	Listen  address `default:"127.0.0.1:8080" placeholder:"ADDR" help:"Address of a server of this machine (${default})."`
	Live    bool    `help:"Ask only whether it answers, and not whether it is ready for clients: what a restart would mend."`
	Timeout span    `default:"5s" placeholder:"TIME" help:"For the answer (${default})."`
}

// Help is printed between the summary of the command and its flags.
func (healthCommand) Help() string {
	return `It prints ok and exits with 0, or says what is wrong and exits with 1: in a Dockerfile, HEALTHCHECK CMD ["/syncabled", "health"]. SYNCABLED_ADMIN and SYNCABLED_LISTEN mean what they mean to the server.`
}

// Run asks, and fails unless the server is well.
func (c healthCommand) Run(w world) error {
	target, err := c.target()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(w.ctx, time.Duration(c.Timeout))
	defer cancel()
	answer, err := ask(ctx, target)
	if err != nil {
		return fmt.Errorf("%s: %w", target, err)
	}
	_, err = fmt.Fprintln(w.stdout, answer)
	return err
}

// target returns the URL to ask.
func (c healthCommand) target() (string, error) {
	path := "/readyz"
	if c.Live {
		path = "/healthz"
	}
	if c.URL != "" {
		server, err := url.Parse(c.URL)
		if err != nil || server.Host == "" || server.Scheme != "http" && server.Scheme != "https" {
			return "", fmt.Errorf("%q is no URL of a server: give http://HOST:PORT, or https://HOST:PORT", c.URL)
		}
		return (&url.URL{Scheme: server.Scheme, Host: server.Host, Path: path}).String(), nil
	}
	where := c.Listen
	if c.Admin != "" {
		where = c.Admin
	}
	addr, err := net.ResolveTCPAddr("tcp", string(where))
	switch {
	case err != nil:
		return "", err
	case addr.Port == 0:
		return "", fmt.Errorf("%s is any port: name the one that the server has with --url", where)
	}
	return (&url.URL{Scheme: "http", Host: reachable(addr), Path: path}).String(), nil
}

// ask returns what a server that is well says. The error says what another one
// says.
func ask(ctx context.Context, target string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		return "", fmt.Errorf("no answer: %w", wrapped.Err)
	}
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 4096))
	if err != nil {
		return "", fmt.Errorf("read the answer: %w", err)
	}
	answer := strings.TrimSpace(string(text))
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s", response.Status, answer)
	}
	if answer != "ok" {
		return "", errors.New("something else than syncabled answers there; name the server with --url")
	}
	return answer, nil
}
