package server

import (
	"cmp"
	"fmt"
	"net/http"
	"strconv"

	"syncabled/protocol"
	"syncabled/revlog"
)

// Control returns the handler of what only the operator may ask for. It is to be
// served where nobody else can reach it:
//
//	GET /backup/NAME   a copy of the database as it is at one moment; its length
//	                   comes behind it in the trailer Syncabled-Length, and is
//	                   missing if something failed on the way
//	GET /log/NAME      the entries of the log after the revision ?after, of ?table
//	                   and ?key alone if they are given, as lines of JSON (see
//	                   [revlog.Entry]); it breaks off if something fails on the way
//	GET /readyz        as on the sync endpoint
func (s *Server) Control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /backup/{name}", s.serveBackup)
	mux.HandleFunc("GET /log/{name}", s.serveLog)
	mux.Handle("GET "+readyPath, s.health)
	return WithoutBodies(s.cuttable(mux))
}

// LengthTrailer is the trailer of a backup that says how long it is.
const LengthTrailer = "Syncabled-Length"

// acquireNamed returns the database that a request names, to be released. It returns
// nil if there is none, which it has answered then.
func (s *Server) acquireNamed(w http.ResponseWriter, r *http.Request) *database {
	name := r.PathValue("name")
	if !revlog.ValidName(name) {
		http.Error(w, errNoDatabase.Error(), http.StatusNotFound)
		return nil
	}
	if s.config.Exists != nil && !s.config.Exists(name) {
		http.Error(w, "there is no database "+name, http.StatusNotFound)
		return nil
	}
	db, err := s.databases.acquire(name)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return nil
	}
	return db
}

func (s *Server) serveBackup(w http.ResponseWriter, r *http.Request) {
	db := s.acquireNamed(w, r)
	if db == nil {
		return
	}
	defer s.databases.release(db)
	source, ok := db.log.(revlog.Copier)
	if !ok {
		http.Error(w, fmt.Sprintf("database %s cannot be copied while it is in use", db.name), http.StatusNotImplemented)
		return
	}
	w.Header().Set("Trailer", LengthTrailer)
	n, err := source.WriteTo(w)
	if err != nil {
		s.config.Logger.Error().Err(err).Str("database", db.name).Msg("backup")
		return
	}
	w.Header().Set(LengthTrailer, strconv.FormatInt(n, 10))
}

func (s *Server) serveLog(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	after, err := strconv.ParseUint(cmp.Or(query.Get("after"), "0"), 10, 53)
	if err != nil {
		http.Error(w, fmt.Sprintf("%q is no revision", query.Get("after")), http.StatusBadRequest)
		return
	}
	db := s.acquireNamed(w, r)
	if db == nil {
		return
	}
	defer s.databases.release(db)
	source, ok := db.log.(revlog.EntryReader)
	if !ok {
		http.Error(w, fmt.Sprintf("the log of %s cannot be shown while it is in use", db.name), http.StatusNotImplemented)
		return
	}
	filter := revlog.Filter{Table: query.Get("table"), Key: protocol.Key(query.Get("key"))}
	var line []byte
	err = revlog.EachEntry(r.Context(), source, protocol.Revision(after), filter, func(e revlog.Entry) error {
		line = append(e.AppendJSON(line[:0]), '\n')
		_, err := w.Write(line)
		return err
	})
	if err != nil {
		if r.Context().Err() == nil {
			s.config.Logger.Error().Err(err).Str("database", db.name).Msg("show the log")
		}
		panic(http.ErrAbortHandler) // or it would look complete
	}
}
