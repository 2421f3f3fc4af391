package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/revlog/boltlog"
)

// inspectCommand shows the log of a database.
type inspectCommand struct {
	dataFolder `embed:""`
	DB         string `name:"db" default:"default" placeholder:"NAME" help:"Database to look at (${default})."`
	Since      uint64 `default:"0" placeholder:"REVISION" help:"Only what came after this revision."`
	Table      string `placeholder:"NAME" help:"Only changes of this table."`
	Key        string `placeholder:"KEY" help:"Only changes of objects with this key, as JSON: 5, or '\"5\"' for a string; anything that is not JSON is taken as a string."`
}

// Help is printed between the summary of the command and its flags.
func (inspectCommand) Help() string {
	return `One line of JSON for each entry of the log, oldest first:

revision, its number; type, one of create, update, delete, repair, resync; table and key of the object; obj, the object of a create; mods, the new values of an update by key path; paths, the key paths of a repair that is not about the whole object; client, the number of the client it came from; previous, the revision of the entry of the object before.

A repair is a mark: the client is sent the object again, or what it has at paths. A resync is a mark, too: the client is sent again what came after the position in previous, only of the tables in tables if there are any.`
}

// Run prints entries page by page.
func (c inspectCommand) Run(w world) error {
	key, err := parseKey(c.Key)
	if err != nil {
		return err
	}
	if err := c.check(c.DB); err != nil {
		return err
	}
	out := bufio.NewWriter(w.stdout)
	return errors.Join(c.print(w.ctx, key, out), out.Flush())
}

func (c inspectCommand) print(ctx context.Context, key protocol.Key, out io.Writer) error {
	dir, err := boltlog.OpenDir(c.Data, boltlog.Options{})
	if errors.Is(err, boltlog.ErrLocked) {
		query := url.Values{"after": {strconv.FormatUint(c.Since, 10)}, "table": {c.Table}, "key": {string(key)}}
		return fetchLog(ctx, controlClient(c.Data), c.DB, query, out)
	}
	if err != nil {
		return explainData(err)
	}
	defer dir.Close()
	db, err := dir.Open(c.DB)
	if err != nil {
		return explainData(err)
	}
	defer db.Close()
	var line []byte
	return revlog.EachEntry(ctx, db, protocol.Revision(c.Since), revlog.Filter{Table: c.Table, Key: key}, func(e revlog.Entry) error {
		line = append(e.AppendJSON(line[:0]), '\n')
		_, err := out.Write(line)
		return err
	})
}

// parseKey returns a key that was typed. Anything that is not the JSON of a key is a string.
func parseKey(text string) (protocol.Key, error) {
	if text == "" {
		return "", nil
	}
	if spelled := bytes.TrimSpace([]byte(text)); json.Valid(spelled) {
		if key, wrong := protocol.ParseKey(spelled); wrong == nil {
			return key, nil
		}
	}
	key, wrong := protocol.ParseKey(protocol.AppendQuote(nil, text))
	if wrong != nil {
		return "", fmt.Errorf("--key: %q is no key: %w", text, wrong)
	}
	return key, nil
}
