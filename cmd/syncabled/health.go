package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"
)

// healthCommand asks a running server how it is.
type healthCommand struct {
	URL     string  `name:"url" placeholder:"URL" help:"Server to ask, such as http://127.0.0.1:8080. Otherwise it is the one at --admin, or at --listen."`
	Admin   address `placeholder:"ADDR" help:"Address for operators of a server of this machine."`
	Listen  address `default:"127.0.0.1:8080" placeholder:"ADDR" help:"Address of a server of this machine (${default})."`
	TLSCert file    `name:"tls-cert" placeholder:"FILE" help:"The certificate of that server, which then speaks TLS at --listen."`
	CA      file    `name:"ca" placeholder:"FILE" help:"Certificates to trust, PEM, when the server has one of a private authority; for a self-signed one, itself."`
	Live    bool    `help:"Ask only whether it answers, and not whether it is ready for clients: what a restart would mend."`
	Timeout span    `default:"5s" placeholder:"TIME" help:"Time to wait for the answer (${default})."`
}

// Help is printed between the summary of the command and its flags.
func (healthCommand) Help() string {
	return `It prints ok, with what an operator should look at in further lines, and exits with 0, or says what is wrong and exits with 1: in a Dockerfile, HEALTHCHECK CMD ["/syncabled", "health"]. SYNCABLED_ADMIN, SYNCABLED_LISTEN and SYNCABLED_TLS_CERT mean what they mean to the server. What it asks at --listen is on this machine, where no certificate has to name it; with --ca or --url it is checked.`
}

// Run asks, and fails unless the server is well.
func (c healthCommand) Run(w world) error {
	target, err := c.target()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(w.ctx, time.Duration(c.Timeout))
	defer cancel()
	client, err := c.client()
	if err != nil {
		return err
	}
	answer, err := ask(ctx, client, target)
	if err != nil {
		return fmt.Errorf("%s: %w", target, explainHealth(err))
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
	where, scheme := c.Listen, "http"
	switch {
	case c.Admin != "":
		where = c.Admin
	case c.TLSCert != "" || c.CA != "":
		scheme = "https"
	}
	addr, err := net.ResolveTCPAddr("tcp", string(where))
	switch {
	case err != nil:
		return "", err
	case addr.Port == 0:
		return "", fmt.Errorf("%s is any port: name the one that the server has with --url", where)
	}
	return (&url.URL{Scheme: scheme, Host: reachable(addr), Path: path}).String(), nil
}

// client returns a client that trusts what the flags say.
func (c healthCommand) client() (*http.Client, error) {
	trust := &tls.Config{}
	switch {
	case c.CA != "":
		text, err := os.ReadFile(string(c.CA))
		if err != nil {
			return nil, fmt.Errorf("--ca: %w", err)
		}
		trust.RootCAs = x509.NewCertPool()
		if !trust.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("--ca %s: there is no certificate in it; it is PEM, with BEGIN CERTIFICATE", c.CA)
		}
	case c.URL == "":
		// It is asked by an address of this machine, which hardly any certificate names,
		// and nothing is entrusted to it.
		trust.InsecureSkipVerify = true
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = trust
	transport.DisableKeepAlives = true
	return &http.Client{Transport: transport}, nil
}

var errSpeaksTLS = errors.New("the server speaks TLS: ask with --url https://HOST:PORT, and --ca if its certificate is of a private authority; or set SYNCABLED_TLS_CERT as for the server")

// explainHealth adds to an error what mends it.
func explainHealth(err error) error {
	var (
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
	)
	switch {
	case errors.As(err, &authority):
		return fmt.Errorf("%w; --ca names the certificate of that authority", err)
	case errors.As(err, &host):
		return fmt.Errorf("%w; name the server with --url as its certificate does", err)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Errorf("%w; renew it", err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%w; start the server, or name the one to ask with --url, --admin or --listen", err)
	case strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return fmt.Errorf("%w; it speaks no TLS there: ask with --url http://HOST:PORT", err)
	}
	return err
}

// ask returns what a server that is well says. The error says what another one
// says.
func ask(ctx context.Context, client *http.Client, target string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return "", err
	}
	response, err := client.Do(request)
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
	if strings.Contains(answer, "HTTP request to an HTTPS server") { // what net/http answers
		return "", errSpeaksTLS
	}
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s", response.Status, answer)
	}
	if first, _, _ := strings.Cut(answer, "\n"); first != "ok" { // what follows is for operators to look at
		return "", errors.New("something else than syncabled answers there; name the server with --url")
	}
	return answer, nil
}
