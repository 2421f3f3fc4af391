package main

import (
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"syncabled/revlog"
	"syncabled/server"
	"syncabled/server/jwtauth"
)

// This file has the types of the flags. Each refuses, as a wrong call of the
// program, what no server could run with.

// A count is a whole number above zero.
type count int

func (c *count) UnmarshalText(text []byte) error {
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 1 {
		return fmt.Errorf("%q is no whole number above 0", text)
	}
	*c = count(n)
	return nil
}

// A size is a number of bytes above zero.
type size int

var units = []struct {
	suffix string
	bytes  int
}{
	{"KiB", 1 << 10},
	{"MiB", 1 << 20},
	{"GiB", 1 << 30},
}

func (s *size) UnmarshalText(text []byte) error {
	number, bytes := string(text), 1
	for _, unit := range units {
		if before, ok := strings.CutSuffix(number, unit.suffix); ok {
			number, bytes = strings.TrimSpace(before), unit.bytes
			break
		}
	}
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > math.MaxInt/bytes {
		return fmt.Errorf("%q is no size: give a number of bytes above 0, or one with KiB, MiB or GiB", text)
	}
	*s = size(n * bytes)
	return nil
}

func (s size) String() string {
	for _, unit := range slices.Backward(units) {
		if int(s)%unit.bytes == 0 && s > 0 {
			return fmt.Sprintf("%d%s", int(s)/unit.bytes, unit.suffix)
		}
	}
	return strconv.Itoa(int(s))
}

// A span is a time above zero.
type span time.Duration

func (s *span) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if err != nil || d <= 0 {
		return fmt.Errorf("%q is no time above 0, such as 500ms, 30s or 1m30s", text)
	}
	*s = span(d)
	return nil
}

func (s span) String() string { return time.Duration(s).String() }

// An address is a host, which may be empty for all, and a port.
type address string

func (a *address) UnmarshalText(text []byte) error {
	_, port, err := net.SplitHostPort(string(text))
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		return fmt.Errorf("%q is no address: give host:port, such as 127.0.0.1:8080, or :8080 to be reached from other machines", text)
	}
	*a = address(text)
	return nil
}

// A network is an address, or a range of them.
type network netip.Prefix

func (n *network) UnmarshalText(text []byte) error {
	trimmed := strings.TrimSpace(string(text))
	if addr, err := netip.ParseAddr(trimmed); err == nil {
		*n = network(netip.PrefixFrom(addr, addr.BitLen()))
		return nil
	}
	prefix, err := netip.ParsePrefix(trimmed)
	if err != nil {
		return fmt.Errorf("%q is no address and no range of them, such as 10.0.0.1 or 10.0.0.0/8", trimmed)
	}
	*n = network(prefix)
	return nil
}

func (n network) String() string { return netip.Prefix(n).String() }

// A file is a path of a file; it is made absolute.
type file string

func (f *file) UnmarshalText(text []byte) error {
	absolute, err := filepath.Abs(string(text))
	*f = file(absolute)
	return err
}

// A folder is one that exists.
type folder string

func (f *folder) UnmarshalText(text []byte) error {
	absolute, err := filepath.Abs(string(text))
	if err != nil {
		return err
	}
	info, err := os.Stat(absolute)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("there is no folder %s", absolute)
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is a file; give the folder it is in", absolute)
	}
	*f = folder(absolute)
	return nil
}

// A databaseName is one that a database can have.
type databaseName string

func (n *databaseName) UnmarshalText(text []byte) error {
	*n = databaseName(text)
	return revlog.CheckName(string(text))
}

// A databasePattern stands for databases, with * for any characters.
type databasePattern string

func (p *databasePattern) UnmarshalText(text []byte) error {
	*p = databasePattern(text)
	return jwtauth.CheckPattern(string(text))
}

// A hostPattern names hosts that are answered for. [server.Config] says how.
type hostPattern string

func (h *hostPattern) UnmarshalText(text []byte) error {
	*h = hostPattern(strings.TrimSpace(string(text)))
	return server.CheckAllowHost(string(*h))
}

// An originPattern matches origins of pages. [server.Config] says how.
type originPattern string

func (o *originPattern) UnmarshalText(text []byte) error {
	*o = originPattern(strings.TrimSpace(string(text)))
	return server.CheckAllowOrigin(string(*o))
}
