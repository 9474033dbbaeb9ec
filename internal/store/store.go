// Package store keeps what must outlive the daemon, in one SQLite file: the
// decisions about proposals with their history, every proposal that ever was,
// what came of those that were carried out, the history of reports, and what is
// to be delivered of them. In go domain values; they come out as they went in,
// times in UTC and to the millisecond.
//
// Several processes may use a file at once: the daemon, and the command line
// beside it. Each change is on disk when its method returns, and is there as a
// whole or not at all whenever a process is killed. The file and those that
// SQLite puts beside it (-wal, -shm) can be read by their owner alone; they
// must not lie on a network file system.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// ErrReadOnly says that a store that was opened read-only cannot be changed.
var ErrReadOnly = errors.New("the store was opened read-only")

// ErrNotFound says that the store has no such proposal or report.
var ErrNotFound = errors.New("not in the store")

// patience is how long a change waits for that of another process.
const patience = 10 * time.Second

// Store is an open file. Its methods may be called from any goroutine.
type Store struct {
	path  string
	read  *sql.DB
	write *sql.DB // of one connection; nil when read-only
	// anchor keeps a store in memory; nil for one on disk.
	anchor *sql.Conn
}

// Open opens the file for reading and writing, and makes it and its folder
// when they are missing. A file of an older version is brought up to date. It
// fails for a file that a newer sentei has written, and for one that is no
// store.
func Open(ctx context.Context, path string) (*Store, error) {
	if err := create(path); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	s := &Store{path: path}
	var err error
	if s.write, err = open(path, "rw", 1); err == nil {
		err = migrate(ctx, s.write)
	}
	if err == nil {
		s.read, err = open(path, "ro", 4)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open store %s: %w", path, explain(err)), s.Close())
	}
	return s, nil
}

// OpenReadOnly opens an existing file. Every method that changes something
// returns ErrReadOnly. The error is fs.ErrNotExist when there is no file.
func OpenReadOnly(ctx context.Context, path string) (*Store, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	s := &Store{path: path}
	var err error
	if s.read, err = open(path, "ro", 4); err == nil {
		err = checkVersion(ctx, s.read)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open store %s: %w", path, explain(err)), s.Close())
	}
	return s, nil
}

// create makes an empty file when there is none, for its owner alone. SQLite
// gives the files beside it the same permissions.
func create(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

func open(path, mode string, connections int) (*sql.DB, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	q := url.Values{"mode": {mode}, "_txlock": {"immediate"}, "_dqs": {"0"}, "_error_rc": {"1"}}
	q.Add("_pragma", fmt.Sprintf("busy_timeout(%d)", patience.Milliseconds()))
	q.Add("_pragma", "synchronous(full)")
	if mode == "rw" {
		q.Add("_pragma", "journal_mode(wal)")
	} else {
		q.Set("_txlock", "deferred")
	}
	name := url.URL{Scheme: "file", Path: filepath.ToSlash(absolute), RawQuery: q.Encode()}
	db, err := sql.Open("sqlite", name.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	return db, nil
}

// Close ends all work. The store must not be used afterwards.
func (s *Store) Close() error {
	var errs []error
	if s.anchor != nil {
		errs = append(errs, s.anchor.Close())
	}
	for _, db := range []*sql.DB{s.read, s.write} { // the writer last: it tidies up
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// ReadOnly reports whether the store cannot be changed.
func (s *Store) ReadOnly() bool { return s.write == nil }

// InMemory reports whether the store is gone when it is closed.
func (s *Store) InMemory() bool { return s.anchor != nil }

// change runs f as one change: all of it happens, or nothing.
func (s *Store) change(ctx context.Context, what string, f func(*sql.Tx) error) error {
	if s.write == nil {
		return fmt.Errorf("%s: %w", what, ErrReadOnly)
	}
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("%s in store %s: %w", what, s.path, explain(err))
	}
	defer tx.Rollback() //nolint:errcheck // does nothing after Commit
	if err := f(tx); err != nil {
		return fmt.Errorf("%s: %w", what, explain(err))
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("%s in store %s: %w", what, s.path, explain(err))
	}
	return nil
}

// each calls f for every row of a query.
func (s *Store) each(ctx context.Context, f func(*sql.Rows) error, query string, args ...any) error {
	rows, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return explain(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return explain(rows.Err())
}

// explain says what to do about the errors that an operator can mend.
func explain(err error) error {
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return err
	}
	switch e.Code() & 0xff { // extended codes have the plain one in their low byte
	case sqlite3.SQLITE_BUSY:
		return fmt.Errorf("another process has been changing it for more than %s: %w", patience, err)
	case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("it is no store, or it is damaged: name another store.path, or restore a backup: %w", err)
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY:
		return fmt.Errorf("the file and its folder must be writable, even for reading: %w", err)
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("the disk is full: %w", err)
	}
	return err
}

// Times are kept as milliseconds since 1970, the zero time as 0.

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func instant(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
