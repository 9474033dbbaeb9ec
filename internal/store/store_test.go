package store

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/reporttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var at = time.Date(2026, 11, 16, 6, 0, 0, 0, time.UTC)

func openStore(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "new folder?", "sentei#1.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func proposal(id, label string, values ...string) sentei.Proposal {
	return sentei.Proposal{
		ID: id, Rule: "r", Place: sentei.Place{Backend: "b", ScrapeJob: "j"}, State: sentei.Pending,
		Action: sentei.Action{Kind: sentei.DropValues, Metric: "m", Label: label, Values: values},
	}
}

func remember(t *testing.T, s *Store, at time.Time, proposals ...sentei.Proposal) {
	t.Helper()
	replaces, err := s.Replaces(t.Context(), proposals)
	if err != nil {
		t.Fatal(err)
	}
	for i := range proposals {
		proposals[i].Replaces = replaces[proposals[i].ID]
	}
	if err := s.Remember(t.Context(), at, proposals); err != nil {
		t.Fatal(err)
	}
}

func TestDecisions(t *testing.T) {
	s := openStore(t)
	remember(t, s, at, proposal("a", "x"), proposal("b", "y"))
	history := []sentei.Decision{
		{Proposal: "a", State: sentei.Snoozed, By: "kim", At: at, Until: at.Add(time.Hour)},
		{Proposal: "a", State: sentei.Rejected, By: "kim", At: at.Add(-time.Hour), Reason: "needed by the auditors"},
		{Proposal: "b", State: sentei.Accepted, By: "lou", At: at.Add(1234567 * time.Microsecond).Truncate(time.Millisecond)},
		{Proposal: "a", State: sentei.Pending, By: "kim", At: at},
	}
	for _, d := range history {
		if err := s.Decide(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Decisions(t.Context())
	if diff := cmp.Diff(map[string]sentei.Decision{"a": history[3], "b": history[2]}, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	all, err := s.History(t.Context(), "a")
	if diff := cmp.Diff([]sentei.Decision{history[0], history[1], history[3]}, all); err != nil || diff != "" {
		t.Error(err, diff)
	}
	for _, statement := range []string{"DELETE FROM decisions", "UPDATE decisions SET by = 'eve'"} {
		if _, err := s.write.ExecContext(t.Context(), statement); err == nil || !strings.Contains(err.Error(), "never") {
			t.Errorf("%s: %v", statement, err)
		}
	}
}

func TestIncompleteDecisions(t *testing.T) {
	s := openStore(t)
	remember(t, s, at, proposal("a", "x"))
	good := sentei.Decision{Proposal: "a", State: sentei.Accepted, By: "kim", At: at}
	for want, change := range map[string]func(*sentei.Decision){
		"not in the store":             func(d *sentei.Decision) { d.Proposal = "other" },
		`"applied" cannot be decided`:  func(d *sentei.Decision) { d.State = sentei.Applied },
		"the name of who decides":      func(d *sentei.Decision) { d.By = " " },
		"the time of the decision":     func(d *sentei.Decision) { d.At = time.Time{} },
		"a rejection needs a reason":   func(d *sentei.Decision) { d.State = sentei.Rejected },
		"a time to come":               func(d *sentei.Decision) { d.State, d.Until = sentei.Snoozed, at },
		"only snoozing has an end":     func(d *sentei.Decision) { d.Until = at.Add(time.Hour) },
		"text of at most 4096 bytes":   func(d *sentei.Decision) { d.Reason = strings.Repeat("x", 4097) },
		"must be text":                 func(d *sentei.Decision) { d.By = "\xff" },
		"decide on proposal a: reason": func(d *sentei.Decision) { d.Reason = "a\x00b" },
	} {
		d := good
		change(&d)
		if err := s.Decide(t.Context(), good, d); err == nil || !strings.Contains(err.Error(), want) { // none of several
			t.Errorf("%v, want an error with %q", err, want)
		}
	}
	if got, err := s.Decisions(t.Context()); err != nil || len(got) != 0 {
		t.Error(got, err)
	}
}

func TestReplacedProposals(t *testing.T) {
	s := openStore(t)
	day := func(n int) time.Time { return at.Add(time.Duration(n) * 24 * time.Hour) }
	remember(t, s, day(0), proposal("x1", "x", "1"), proposal("y1", "y", "1"))
	remember(t, s, day(1), proposal("x2", "x", "1", "2"), proposal("y1", "y", "1"), proposal("z1", "z"))
	remember(t, s, day(2), proposal("x3", "x", "1", "2", "3"), proposal("x2", "x", "1", "2"))
	remember(t, s, day(3), proposal("x1", "x", "1"))
	want := map[string]string{"x1": "", "y1": "", "z1": "", "x2": "x1", "x3": "x1"}
	for id, replaces := range want {
		r, err := s.Proposal(t.Context(), id)
		if err != nil || r.Replaces != replaces {
			t.Errorf("%s replaces %q, want %q (%v)", id, r.Replaces, replaces, err)
		}
	}
	r, err := s.Proposal(t.Context(), "x1")
	if diff := cmp.Diff(Remembered{proposal("x1", "x", "1"), day(0), day(3)}, r); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if _, err := s.Proposal(t.Context(), "none"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}

// TestPromiseStays keeps what an accepted proposal promised, whatever later
// reports say.
func TestPromiseStays(t *testing.T) {
	s := openStore(t)
	saving := func(id string, series int64) sentei.Proposal {
		p := proposal(id, id)
		p.Saving.Series = series
		return p
	}
	remember(t, s, at, saving("a", 10), saving("b", 10))
	if err := s.Decide(t.Context(), sentei.Decision{Proposal: "a", State: sentei.Accepted, By: "kim", At: at}); err != nil {
		t.Fatal(err)
	}
	remember(t, s, at.Add(time.Hour), saving("a", 3), saving("b", 3), saving("c", 1))
	for id, want := range map[string]int64{"a": 10, "b": 3} {
		if r, err := s.Proposal(t.Context(), id); err != nil || r.Saving.Series != want || !r.LastSeen.Equal(at.Add(time.Hour)) {
			t.Errorf("%s: %+v, %v", id, r, err)
		}
	}
	recent := func(since time.Time) (ids []string) {
		all, err := s.Recent(t.Context(), since)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range all {
			ids = append(ids, r.ID)
		}
		return ids
	}
	if diff := cmp.Diff([]string{"a", "b", "c"}, recent(at)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"a"}, recent(at.Add(2*time.Hour))); diff != "" {
		t.Error("accepted ones are never forgotten:", diff)
	}
}

func TestTracked(t *testing.T) {
	s := openStore(t)
	one := sentei.Tracked{Proposal: proposal("a", "x"), AppliedAt: at, Realised: sentei.Cost{Series: 3}}
	two := sentei.Tracked{Proposal: proposal("b", "y"), AppliedAt: at.Add(time.Hour), Regrets: []sentei.Regret{{Consumer: "c", Selector: "m", Since: at}}}
	later := one
	later.State, later.Realised.Series = sentei.Verified, 7
	for _, tracked := range [][]sentei.Tracked{{one, two, {Proposal: proposal("c", "z"), AppliedAt: at}}, {two, later}} {
		if err := s.SetTracked(t.Context(), tracked); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Tracked(t.Context())
	if diff := cmp.Diff([]sentei.Tracked{two, later}, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

func TestReports(t *testing.T) {
	s := openStore(t)
	r := reporttest.Report()
	id, err := s.SaveReport(t.Context(), r)
	if err != nil || id != ReportID(r.At) {
		t.Fatal(id, err)
	}
	if again, err := s.SaveReport(t.Context(), r); err != nil || again != id {
		t.Error(again, err)
	}
	got, err := s.Report(t.Context(), id)
	if err != nil || !got.At.Equal(r.At) || len(got.Consumers) != len(r.Consumers) {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r.Metrics, got.Metrics, cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
	list, err := s.Reports(t.Context())
	if err != nil || len(list) != 1 || list[0].ID != id || !list[0].At.Equal(r.At) {
		t.Fatalf("%+v, %v", list, err)
	}
	unused, cost, _ := r.Total(sentei.Unused)
	if sum := list[0].Verdicts[sentei.Unused]; sum.Count != unused || sum.Series != cost.Series || list[0].Proposals.Count != len(r.Proposals) {
		t.Errorf("%+v", list[0])
	}
	if _, err := s.Before(t.Context(), r.At); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if got, err := s.Before(t.Context(), r.At.Add(time.Second)); err != nil || !got.At.Equal(r.At) {
		t.Error(err)
	}
	for _, id := range []string{"latest", "20000101T000000Z"} {
		if _, err := s.Report(t.Context(), id); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
	}
}

func TestPrune(t *testing.T) {
	s := openStore(t)
	for hour := range 24 * 5 {
		if _, err := s.SaveReport(t.Context(), &sentei.Report{Version: 1, At: at.Add(-time.Duration(hour) * time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
	deleted, err := s.Prune(t.Context(), at, 3*24*time.Hour+time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	list, err := s.Reports(t.Context())
	if err != nil || len(list) != 5*24-int(deleted) {
		t.Fatal(len(list), deleted, err)
	}
	// All from 48 hours before on, the last of the day before, and none of
	// before the retention.
	if last := list[48:]; len(list) != 50 || last[0].ID != "20261114T060000Z" || last[1].ID != "20261113T230000Z" {
		t.Errorf("%d reports, %+v", len(list), last)
	}
}

// TestTwoProcesses lets two stores of one file write at once: nothing is lost.
func TestTwoProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sentei.db")
	var group sync.WaitGroup
	const each = 25
	for n := range 4 {
		group.Go(func() {
			s, err := Open(t.Context(), path)
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			for i := range each {
				id := strconv.Itoa(n) + "/" + strconv.Itoa(i)
				err := s.Remember(t.Context(), at, []sentei.Proposal{proposal(id, id)})
				if err == nil {
					err = s.Decide(t.Context(), sentei.Decision{Proposal: id, State: sentei.Accepted, By: "kim", At: at})
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	s, err := OpenReadOnly(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if all, err := s.Decisions(t.Context()); err != nil || len(all) != 4*each {
		t.Error(len(all), err)
	}
}

func TestReadOnly(t *testing.T) {
	s := openStore(t)
	remember(t, s, at, proposal("a", "x"))
	r, err := OpenReadOnly(t.Context(), s.path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Proposal(t.Context(), "a"); err != nil || !r.ReadOnly() || s.ReadOnly() {
		t.Error(err)
	}
	_, saved := r.SaveReport(t.Context(), &sentei.Report{})
	_, pruned := r.Prune(t.Context(), at, time.Hour)
	for _, err := range []error{
		r.Decide(t.Context(), sentei.Decision{Proposal: "a", State: sentei.Accepted, By: "kim", At: at}),
		r.Remember(t.Context(), at, nil), r.SetTracked(t.Context(), nil), saved, pruned,
	} {
		if !errors.Is(err, ErrReadOnly) {
			t.Error(err)
		}
	}
	if _, err := OpenReadOnly(t.Context(), filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestPermissions(t *testing.T) {
	s := openStore(t)
	remember(t, s, at, proposal("a", "x"))
	entries, err := os.ReadDir(filepath.Dir(s.path))
	if err != nil || len(entries) != 3 {
		t.Fatal(entries, err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Error(e.Name(), info.Mode(), err)
		}
	}
}

func TestForeignFiles(t *testing.T) {
	dir := t.TempDir()
	database := func(name, statement string) string {
		db, err := sql.Open("sqlite", filepath.Join(dir, name))
		if err == nil {
			_, err = db.ExecContext(t.Context(), statement)
		}
		if err != nil {
			t.Fatal(err)
		}
		db.Close()
		return filepath.Join(dir, name)
	}
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte(strings.Repeat("not a database\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	newer := "PRAGMA application_id = " + strconv.Itoa(applicationID) + "; PRAGMA user_version = 999"
	tests := []struct{ path, want string }{
		{database("newer", newer), "a newer sentei has written it (version 999, this one knows up to 3)"},
		{database("other", "CREATE TABLE t (a)"), "a SQLite file of another program"},
		{text, "it is no store, or it is damaged"},
		{dir, "open store " + dir},
	}
	for _, tt := range tests {
		for _, open := range []func(context.Context, string) (*Store, error){Open, OpenReadOnly} {
			s, err := open(t.Context(), tt.path)
			if err == nil {
				s.Close()
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want an error with %q", err, tt.want)
			}
		}
	}
	if _, err := OpenReadOnly(t.Context(), database("empty", "VACUUM")); err == nil || !strings.Contains(err.Error(), "it has version 0") {
		t.Error(err)
	}
}
