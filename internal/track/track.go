// Package track follows proposals after they were decided on. In go a report,
// decisions, the proposals of earlier reports and the relabel rules that are in
// force; out come the states of the report's proposals, and those that were
// carried out, with what they promised, what came of it, and who misses what is
// gone.
package track

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/relabel"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/relabeling"
)

// verifiedShare is the part of a promise that must have come true.
const verifiedShare = 0.9

// Input is what Follow looks at.
type Input struct {
	// Report is the report that was just made; Follow completes it.
	Report *sentei.Report
	// Series reads the series of backends, by their names, where an inventory
	// can. Without, the figures of the inventory are used.
	Series map[string]sentei.SeriesReader
	// Rules are the metric relabel rules in force, by backend and scrape job.
	// A backend whose rules are not known is missing.
	Rules map[string]map[string][]*relabel.Config
	// Decisions are the latest ones, by proposal.
	Decisions map[string]sentei.Decision
	// Replaces says which proposals those of the report replace.
	Replaces map[string]string
	// Earlier are proposals of earlier reports, with when they were seen last.
	Earlier []Earlier
	// Tracked are those that were carried out when the last report was made.
	Tracked []sentei.Tracked
}

// Earlier is a proposal of an earlier report.
type Earlier struct {
	sentei.Proposal
	LastSeen time.Time
}

// Follow sets state and replaced one of each proposal of the report, and fills
// in what was carried out, the newest first. What was carried out is taken out
// of the report's proposals.
//
// Carried out is a proposal whose rule is in force and which has nothing left
// to take away or is not made any more; and an accepted one that is not made
// any more while at least nine tenths of its series are gone. Where a source
// failed or the scrape job has no series any more, nothing is concluded from
// missing series.
func Follow(ctx context.Context, in Input) error {
	f := &follower{Input: in, now: map[string]bool{}}
	r := in.Report
	for i := range r.Proposals {
		p := &r.Proposals[i]
		decision := in.Decisions[p.ID]
		p.State, p.Replaces = decision.StateAt(r.At), in.Replaces[p.ID]
		f.now[p.ID] = true
	}
	if err := f.count(ctx); err != nil {
		return err
	}
	var out []sentei.Tracked
	done := map[string]bool{}
	for _, t := range in.Tracked {
		if f.rolledBack(&t.Proposal) {
			continue
		}
		done[t.ID] = true
		out = append(out, t)
	}
	for _, p := range f.newlyApplied() {
		if !done[p.ID] {
			done[p.ID] = true
			out = append(out, sentei.Tracked{Proposal: p, AppliedAt: r.At})
		}
	}
	r.Proposals = slices.DeleteFunc(r.Proposals, func(p sentei.Proposal) bool { return done[p.ID] })
	for i := range out {
		f.update(&out[i])
	}
	slices.SortFunc(out, func(a, b sentei.Tracked) int {
		return cmp.Or(b.AppliedAt.Compare(a.AppliedAt), cmp.Compare(b.Saving.Series, a.Saving.Series), cmp.Compare(a.ID, b.ID))
	})
	r.Tracked = out
	return nil
}

type follower struct {
	Input
	now       map[string]bool      // proposals of the report
	remaining map[string]remaining // by proposal
}

// rolledBack reports whether a change that had been carried out is so no
// longer: its rule is not in force, and there is something to take away once
// more, which is proposed again or is all that there was.
func (f *follower) rolledBack(p *sentei.Proposal) bool {
	left := f.remaining[p.ID]
	_, known := f.Rules[p.Place.Backend]
	return left.known && left.series > 0 && !f.inForce(p) && (f.now[p.ID] || known && left.share(p) == 0)
}

// inForce reports whether the rule of the proposal is.
func (f *follower) inForce(p *sentei.Proposal) bool {
	return p.Place.RemoteWrite == "" && relabeling.Present(f.Rules[p.Place.Backend][p.Place.ScrapeJob], p)
}

// newlyApplied returns the proposals, of this report and of those before, that
// turn out to be carried out.
func (f *follower) newlyApplied() []sentei.Proposal {
	var last time.Time // the report before
	for i := range f.Earlier {
		if e := f.Earlier[i].LastSeen; e.After(last) && e.Before(f.Report.At) {
			last = e
		}
	}
	found := map[string]sentei.Proposal{}
	for _, p := range f.Report.Proposals {
		if left := f.remaining[p.ID]; left.known && left.series == 0 && f.inForce(&p) {
			found[p.ID] = p
		}
	}
	for _, e := range f.Earlier {
		if f.now[e.ID] {
			continue
		}
		decision := f.Decisions[e.ID]
		accepted := decision.State == sentei.Accepted
		left := f.remaining[e.ID]
		switch {
		case accepted && f.inForce(&e.Proposal):
		case !e.LastSeen.Before(last) && f.inForce(&e.Proposal):
		case accepted && left.known && left.share(&e.Proposal) >= verifiedShare:
		default:
			continue
		}
		found[e.ID] = e.Proposal
	}
	for id := range maps.Clone(found) { // the newer one carries out the older
		delete(found, found[id].Replaces)
	}
	var out []sentei.Proposal
	for _, id := range slices.Sorted(maps.Keys(found)) {
		out = append(out, found[id])
	}
	return out
}

// update says what came of a proposal until now. Where that is not known, it
// stays as it was.
func (f *follower) update(t *sentei.Tracked) {
	prices := f.Report.Settings.Prices
	t.Decision = f.Decisions[t.ID]
	t.SavingPerMonth = prices.PerMonth(t.Saving)
	if left := f.remaining[t.ID]; left.known {
		share := left.share(&t.Proposal)
		t.Realised = part(t.Saving, share)
		t.State = sentei.Applied
		if share >= verifiedShare {
			t.State = sentei.Verified
		}
	}
	t.RealisedPerMonth = prices.PerMonth(t.Realised)
	before := t.Regrets
	t.Regrets = f.regrets(t)
	for i := range t.Regrets {
		g := &t.Regrets[i]
		if k := slices.IndexFunc(before, func(b sentei.Regret) bool { return b.Consumer == g.Consumer && b.Selector == g.Selector }); k >= 0 {
			g.Since = before[k].Since
		}
	}
	switch {
	case len(t.Regrets) > 0:
		t.State = sentei.Regretted
	case t.State != sentei.Verified:
		t.State = sentei.Applied
	}
}

// part returns a share of a cost.
func part(c sentei.Cost, share float64) sentei.Cost {
	return sentei.Cost{
		Series:           int64(math.Round(float64(c.Series) * share)),
		SeriesInSpan:     int64(math.Round(float64(c.SeriesInSpan) * share)),
		SamplesPerSecond: c.SamplesPerSecond * share,
		ChurnPerHour:     c.ChurnPerHour * share,
		EndedPerHour:     c.EndedPerHour * share,
		MemoryBytes:      c.MemoryBytes * share,
		DiskBytesPerDay:  c.DiskBytesPerDay * share,
	}
}

// count finds out what is left of what proposals take away, of all that may
// turn out to be carried out.
func (f *follower) count(ctx context.Context) error {
	f.remaining = map[string]remaining{}
	byBackend := map[string][]*sentei.Proposal{}
	add := func(p *sentei.Proposal) {
		if _, seen := f.remaining[p.ID]; !seen {
			f.remaining[p.ID] = remaining{}
			byBackend[p.Place.Backend] = append(byBackend[p.Place.Backend], p)
		}
	}
	for i := range f.Tracked {
		add(&f.Tracked[i].Proposal)
	}
	for i := range f.Report.Proposals {
		if p := &f.Report.Proposals[i]; f.inForce(p) {
			add(p)
		}
	}
	for i := range f.Earlier {
		if e := &f.Earlier[i]; !f.now[e.ID] && (f.Decisions[e.ID].State == sentei.Accepted || f.inForce(&e.Proposal)) {
			add(&e.Proposal)
		}
	}
	for _, backend := range slices.Sorted(maps.Keys(byBackend)) {
		counted, err := countRemaining(ctx, f.Report, backend, f.Series[backend], byBackend[backend])
		if err != nil {
			return fmt.Errorf("count what is left in backend %s: %w", backend, err)
		}
		maps.Copy(f.remaining, counted)
	}
	return nil
}
