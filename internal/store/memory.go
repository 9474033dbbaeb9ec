package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
)

// OpenMemory opens a store that is gone when it is closed.
func OpenMemory(ctx context.Context) (*Store, error) {
	// The database lasts for as long as one connection to it is open.
	db, err := sql.Open("sqlite", "file:"+rand.Text()+"?mode=memory&cache=shared&_txlock=immediate&_dqs=0&_error_rc=1")
	if err != nil {
		return nil, fmt.Errorf("open store in memory: %w", err)
	}
	db.SetMaxOpenConns(2) // that one, and one to work with: two would lock each other out
	s := &Store{path: "in memory", read: db, write: db}
	if s.anchor, err = db.Conn(ctx); err == nil {
		err = migrate(ctx, db)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open store in memory: %w", err), s.Close())
	}
	return s, nil
}
