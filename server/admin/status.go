package admin

import (
	"fmt"
	"time"

	"syncabled/protocol"
	"syncabled/revlog/boltlog"
	"syncabled/server"
)

// status is what /status shows.
type status struct {
	Version       string     `json:"version"`
	Commit        string     `json:"commit,omitempty"`
	Started       time.Time  `json:"started"`
	UptimeSeconds float64    `json:"uptime_seconds"`
	Ready         bool       `json:"ready"`
	Reason        string     `json:"reason,omitempty"`    // why it is not
	DiskFreeBytes *int64     `json:"disk_free_bytes"`     // null where the system does not say
	LastBackup    *time.Time `json:"last_backup"`         // null if there was none
	CertExpires   *time.Time `json:"certificate_expires"` // null without TLS
	Databases     []database `json:"databases"`
	Sessions      []session  `json:"sessions"`
}

// A database of the data folder. Of one that is not open only the size is known.
type database struct {
	Name      string             `json:"name"`
	Open      bool               `json:"open"`
	Failed    string             `json:"failed,omitempty"` // why it stays closed until the server is restarted
	SizeBytes int64              `json:"size_bytes"`
	Head      *protocol.Revision `json:"head"`
	Objects   *int               `json:"objects"`
	HeldBytes *int               `json:"held_bytes"`
	Sessions  int                `json:"sessions"`
	Ahead     int                `json:"clients_ahead"` // that have seen more than it has
}

type session struct {
	ID            string             `json:"id"`
	Client        string             `json:"client"`
	Database      string             `json:"database"`
	Remote        string             `json:"remote"`
	Since         time.Time          `json:"since"`
	Subject       string             `json:"subject"`
	ReadOnly      bool               `json:"read_only"`
	Position      *protocol.Revision `json:"position"` // null if it is sent nothing, as the next two
	Lag           *protocol.Revision `json:"lag"`
	BehindSeconds *float64           `json:"behind_seconds"`
}

func (c Config) status() (status, error) {
	files, err := c.Dir.Files()
	if err != nil {
		return status{}, fmt.Errorf("list databases: %w", err)
	}
	now := c.Server.Status()
	page := status{
		Version:       c.Build.Version,
		Commit:        c.Build.Commit,
		Started:       c.Started.UTC(),
		UptimeSeconds: time.Since(c.Started).Seconds(),
		Ready:         true,
		Databases:     databases(files, now, c.Dir.GivenUp()),
		Sessions:      make([]session, 0, len(now.Sessions)),
	}
	if err := c.Server.Ready(); err != nil {
		page.Ready, page.Reason = false, err.Error()
	}
	if free, err := c.Dir.FreeSpace(); err == nil {
		page.DiskFreeBytes = &free
	}
	if at, err := c.Dir.LastBackup(); err == nil && !at.IsZero() {
		page.LastBackup = &at
	}
	if c.CertificateExpires != nil {
		at := c.CertificateExpires().UTC()
		page.CertExpires = &at
	}
	for _, s := range now.Sessions {
		page.Sessions = append(page.Sessions, sessionOf(s))
	}
	return page, nil
}

// databases joins what the folder has with what is open.
func databases(files []boltlog.File, now server.Status, givenUp map[string]error) []database {
	byName := make(map[string]server.DatabaseStatus, len(now.Databases))
	for _, db := range now.Databases {
		byName[db.Name] = db
	}
	all := make([]database, 0, len(files))
	for _, file := range files {
		entry := database{Name: file.Database, SizeBytes: file.Size, Ahead: now.Ahead[file.Database]}
		if why := givenUp[file.Database]; why != nil {
			entry.Failed = why.Error()
		}
		if db, ok := byName[file.Database]; ok {
			entry.Open, entry.Sessions = true, db.Sessions
			entry.Head, entry.Objects, entry.HeldBytes = &db.Log.Head, &db.Log.Objects, &db.Log.Held
		}
		all = append(all, entry)
	}
	return all
}

func sessionOf(s server.SessionStatus) session {
	entry := session{ID: s.ID, Client: s.Client, Database: s.Database, Remote: s.Remote, Since: s.Since.UTC(), Subject: s.Subject, ReadOnly: s.ReadOnly}
	if s.Subscribed {
		behind := s.Behind.Seconds()
		entry.Position, entry.Lag, entry.BehindSeconds = &s.Position, &s.Lag, &behind
	}
	return entry
}
