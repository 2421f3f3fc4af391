package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
)

// A certificate is a pair of PEM files, as it was when it was last whole.
type certificate struct {
	certFile, keyFile string
	current           atomic.Pointer[tls.Certificate]

	// Owned by the one that loads.
	loaded [2]stamp // of the files that were looked at last
}

// A stamp tells a file from what it was before.
type stamp struct {
	modified time.Time
	size     int64
}

func stampOf(path string) (stamp, error) {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}, err
	}
	return stamp{info.ModTime(), info.Size()}, nil
}

// openCertificate loads the pair, and returns nil if there is to be none.
func openCertificate(certFile, keyFile string) (*certificate, error) {
	if certFile == "" {
		return nil, nil
	}
	c := &certificate{certFile: certFile, keyFile: keyFile}
	_, err := c.load()
	return c, err
}

// load loads the pair if a file is another one than before. After an error the old
// pair stays.
func (c *certificate) load() (changed bool, err error) {
	var now [2]stamp
	for i, path := range []string{c.certFile, c.keyFile} {
		if now[i], err = stampOf(path); err != nil {
			err = fmt.Errorf("certificate: %w", err)
			break
		}
	}
	if now == c.loaded {
		return false, err
	}
	c.loaded = now // before they are read: what changes meanwhile is seen next time
	if err != nil {
		return true, err
	}
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return true, fmt.Errorf("certificate %s with key %s: %w", c.certFile, c.keyFile, err)
	}
	c.current.Store(&pair)
	return true, nil
}

// get is the GetCertificate of TLS.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return c.current.Load(), nil
}

// expires returns when the pair that is in use expires.
func (c *certificate) expires() time.Time { return c.current.Load().Leaf.NotAfter }

// certificateInterval is between two looks at the files.
const certificateInterval = time.Second

// reload loads the pair if a file has changed.
func (c *certificate) reload(logger zerolog.Logger) {
	switch changed, err := c.load(); {
	case !changed:
	case err != nil:
		logger.Error().Err(err).Msg("the certificate that was loaded before stays")
	default:
		logger.Info().Time("expires", c.expires()).Msg("certificate loaded")
	}
}

// explainCertificate adds to an error of the certificate what mends it.
func explainCertificate(err error) error {
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("%w; name the files with --tls-cert and --tls-key", err)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("%w; let the user that runs syncabled read it", err)
	}
	return fmt.Errorf("%w; --tls-cert is the chain and --tls-key its key, both PEM", err)
}
