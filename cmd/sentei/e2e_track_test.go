//go:build e2e

package main

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/relabeling"
)

// keptReport scans and keeps the report, as the daemon does.
func keptReport(t *testing.T, dir string) *sentei.Report {
	t.Helper()
	var r sentei.Report
	if err := json.Unmarshal([]byte(run(t, dir, "report", "--keep", "-o", "json")), &r); err != nil {
		t.Fatal(err)
	}
	return &r
}

func accept(t *testing.T, dir string, p *sentei.Proposal) {
	t.Helper()
	run(t, dir, "decide", p.ID, "accept", "--by", "kim")
}

// eventuallyTracked scans until the proposal is seen as carried out and in the
// state, and returns what came of it.
func eventuallyTracked(t *testing.T, dir string, p *sentei.Proposal, state sentei.State) *sentei.Tracked {
	t.Helper()
	var found *sentei.Tracked
	eventually(t, fmt.Sprintf("%s is %s", relabeling.Title(p), state), func() error {
		r := keptReport(t, dir)
		for i := range r.Tracked {
			if found = &r.Tracked[i]; found.ID != p.ID {
				continue
			}
			if found.State != state {
				return fmt.Errorf("it is %s: %s %+v", found.State, found.Note, found.Regrets)
			}
			return nil
		}
		for i := range r.Proposals {
			if o := &r.Proposals[i]; o.ID == p.ID {
				return fmt.Errorf("it is still proposed: %+v", o)
			}
		}
		return fmt.Errorf("it is not among the %d proposals that were carried out", len(r.Tracked))
	})
	return found
}

// wantAllVerified scans until all proposals of a report are verified, and wants
// what each of them promised.
func wantAllVerified(t *testing.T, dir string, r *sentei.Report) {
	t.Helper()
	for i := range r.Proposals {
		p := &r.Proposals[i]
		if got := eventuallyTracked(t, dir, p, sentei.Verified); got.Realised != p.Saving || got.Note != "" {
			t.Errorf("%s: promised %+v, realised %+v (%s)", relabeling.Title(p), p.Saving, got.Realised, got.Note)
		}
	}
}
