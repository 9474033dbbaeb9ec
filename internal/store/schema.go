package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// applicationID marks a SQLite file as a store of sentei: "snti".
const applicationID = 0x736e7469

// migrations returns the steps from an empty file to the present schema. Step
// n makes version n+1 of version n. A step that has been released is never
// changed: what is new is another step.
func migrations() []string {
	return []string{`
-- What was decided, in the order of n. Rows are only ever added.
CREATE TABLE decisions (
	n        INTEGER PRIMARY KEY AUTOINCREMENT,
	proposal TEXT NOT NULL,
	state    TEXT NOT NULL,
	reason   TEXT NOT NULL,
	by       TEXT NOT NULL,
	at       INTEGER NOT NULL,
	until    INTEGER NOT NULL
) STRICT;
CREATE INDEX decisions_of_proposal ON decisions (proposal, n);
CREATE TRIGGER decisions_stay BEFORE DELETE ON decisions
BEGIN SELECT raise(ABORT, 'decisions are never deleted'); END;
CREATE TRIGGER decisions_do_not_change BEFORE UPDATE ON decisions
BEGIN SELECT raise(ABORT, 'decisions are never changed'); END;

-- Every proposal that ever was. subject is the same for proposals that replace
-- each other.
CREATE TABLE proposals (
	id         TEXT PRIMARY KEY,
	subject    TEXT NOT NULL,
	first_seen INTEGER NOT NULL,
	last_seen  INTEGER NOT NULL,
	replaces   TEXT NOT NULL,
	json       TEXT NOT NULL
) STRICT;
CREATE INDEX proposals_of_subject ON proposals (subject, last_seen);

-- Proposals that were carried out.
CREATE TABLE tracked (
	proposal   TEXT PRIMARY KEY,
	applied_at INTEGER NOT NULL,
	json       TEXT NOT NULL
) STRICT;

-- Reports as compressed JSON.
CREATE TABLE reports (
	at      INTEGER PRIMARY KEY,
	summary TEXT NOT NULL,
	json    BLOB NOT NULL
) STRICT;
`, `
-- What each metric took at each report: all metrics whose hash begins with the
-- byte part, packed. Reports that were kept before have none.
CREATE TABLE trends (
	at     INTEGER NOT NULL,
	part   INTEGER NOT NULL,
	points BLOB NOT NULL,
	PRIMARY KEY (at, part)
) STRICT, WITHOUT ROWID;
`, `
-- Messages that deliver reports, each to one channel. The message itself is
-- kept, packed, while it waits.
CREATE TABLE deliveries (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	report     TEXT NOT NULL,
	part       TEXT NOT NULL,
	channel    TEXT NOT NULL,
	key        TEXT NOT NULL,
	title      TEXT NOT NULL,
	report_at  INTEGER NOT NULL,
	queued     INTEGER NOT NULL,
	state      TEXT NOT NULL,
	attempts   INTEGER NOT NULL,
	last_try   INTEGER NOT NULL,
	next_try   INTEGER NOT NULL,
	done       INTEGER NOT NULL,
	last_error TEXT NOT NULL,
	message    BLOB
) STRICT;
CREATE INDEX deliveries_of_state ON deliveries (state, next_try);
CREATE INDEX deliveries_of_report ON deliveries (report, part, channel);

-- For when each scheduled report was made last.
CREATE TABLE schedules (
	report TEXT PRIMARY KEY,
	due    INTEGER NOT NULL
) STRICT;
`}
}

// migrate brings a file up to date.
func migrate(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // does nothing after Commit
	have, err := version(ctx, tx)
	steps := migrations()
	if err != nil || have == len(steps) {
		return err
	}
	for ; have < len(steps); have++ {
		if _, err := tx.ExecContext(ctx, steps[have]); err != nil {
			return fmt.Errorf("bring it from version %d to %d: %w", have, have+1, err)
		}
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, have)); err != nil {
		return err
	}
	return tx.Commit()
}

// checkVersion fails unless the file is of the present version.
func checkVersion(ctx context.Context, db *sql.DB) error {
	have, err := version(ctx, db)
	if err == nil && have < len(migrations()) {
		return fmt.Errorf("it has version %d, this sentei reads %d: sentei serve brings it up to date", have, len(migrations()))
	}
	return err
}

type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// version returns the version of the schema, 0 of an empty file. It fails for
// a newer one, and for what is no store.
func version(ctx context.Context, q querier) (int, error) {
	var application, version, tables int
	err := q.QueryRowContext(ctx, `SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema) FROM pragma_application_id, pragma_user_version`).
		Scan(&application, &version, &tables)
	switch {
	case err != nil:
		return 0, err
	case application == 0 && version == 0 && tables == 0:
		return 0, nil
	case application != applicationID:
		return 0, errors.New("it is a SQLite file of another program: name another store.path")
	case version > len(migrations()):
		return 0, fmt.Errorf("a newer sentei has written it (version %d, this one knows up to %d): use that one, or name another store.path", version, len(migrations()))
	}
	return version, nil
}
