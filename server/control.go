package server

import (
	"fmt"
	"io"
	"net/http"
	"strconv"

	"syncabled/revlog"
)

// Control returns the handler of what only the operator may ask for. It is to be
// served where nobody else can reach it:
//
//	GET /backup/NAME   a copy of the database as it is at one moment; its length
//	                   comes behind it in the trailer Syncabled-Length, and is
//	                   missing if something failed on the way
func (s *Server) Control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /backup/{name}", s.serveBackup)
	return mux
}

// LengthTrailer is the trailer of a backup that says how long it is.
const LengthTrailer = "Syncabled-Length"

func (s *Server) serveBackup(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if !revlog.ValidName(name) {
		http.Error(w, errNoDatabase.Error(), http.StatusNotFound)
		return
	}
	db, err := s.databases.acquire(name)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer s.databases.release(db)
	source, ok := db.log.(io.WriterTo)
	if !ok {
		http.Error(w, fmt.Sprintf("database %s cannot be copied while it is in use", name), http.StatusNotImplemented)
		return
	}
	w.Header().Set("Trailer", LengthTrailer)
	n, err := source.WriteTo(w)
	if err != nil {
		s.config.Logger.Error().Err(err).Str("database", name).Msg("backup")
		return
	}
	w.Header().Set(LengthTrailer, strconv.FormatInt(n, 10))
}
