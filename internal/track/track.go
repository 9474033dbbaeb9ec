// Package track follows proposals after they were decided on. In go a report,
// decisions, the proposals of earlier reports and the configurations that are in
// force; out come the states of the report's proposals, and those that were
// carried out, with what they promised, what came of it, and who misses what is
// gone.
//
// Every kind of proposal answers the same questions: whether the configuration
// carries it out (inforce.go), which series are its own (subject.go) and how
// many of them are left (count.go), what that makes of its promise (outcome.go),
// and what stands in the way of saying so (evidence.go). Who notices is asked of
// the rules that made it.
package track

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promconfig"
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
	// Counters count series that have samples now at the servers of backends, by
	// their names, where series cannot be read. They report false when that
	// fails. They may be missing.
	Counters map[string]func(context.Context, []*labels.Matcher) (int64, bool)
	// Configs are the configurations in force, by backend. A backend whose
	// configuration is not known is missing.
	Configs map[string]*promconfig.Effects
	// Noticing returns the selectors of consumers that notice what a proposal
	// took away which was carried out at an instant.
	Noticing func(p *sentei.Proposal, since time.Time) []sentei.Regret
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
// Carried out is a proposal that the configuration carries out and which has
// nothing left to take away or is not made any more; and an accepted one that is
// not made any more while at least nine tenths of its series are gone, where the
// change can be made elsewhere. Where a source failed or the scrape job has no
// series any more, nothing is concluded from missing series.
func Follow(ctx context.Context, in Input) error {
	f := &follower{Input: in, now: map[string]bool{}, metrics: map[[2]string]*sentei.MetricReport{}, counts: map[key]counted{}}
	r := in.Report
	for i := range r.Metrics {
		m := &r.Metrics[i]
		f.metrics[[2]string{m.Backend, m.Name}] = m
	}
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
	now     map[string]bool                    // proposals of the report
	metrics map[[2]string]*sentei.MetricReport // by backend and name
	counts  map[key]counted
}

// rolledBack reports whether a change that had been carried out is so no
// longer: the configuration does not carry it out, and where it may have been
// made elsewhere, there is something to take away once more, which is proposed
// again or is all that there was.
func (f *follower) rolledBack(p *sentei.Proposal) bool {
	yes, known := f.inForce(p)
	if yes || known && decides(p) {
		return !yes
	}
	o := f.outcome(p)
	elsewhere := known || p.Action.Kind == sentei.Aggregate
	return o.known && o.share < 1 && (f.now[p.ID] || elsewhere && o.share == 0)
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
		if yes, _ := f.inForce(&p); yes && (f.Configs[p.Place.Backend].Loaded || f.outcome(&p).share == 1) {
			found[p.ID] = p
		}
	}
	for _, e := range f.Earlier {
		if _, done := found[e.ID]; done { // what it promised before anything was gone
			found[e.ID] = e.Proposal
		}
		if f.now[e.ID] {
			continue
		}
		accepted := f.Decisions[e.ID].State == sentei.Accepted
		yes, _ := f.inForce(&e.Proposal)
		switch {
		case yes && accepted:
		case yes && !e.LastSeen.Before(last) && e.Action.Kind != sentei.DeleteRules:
		case yes && !e.LastSeen.Before(last) && f.outcome(&e.Proposal).share == 1: // else the file may only not be read any more
		case accepted && !decides(&e.Proposal) && e.Place.RemoteWrite == "" && f.outcome(&e.Proposal).share >= verifiedShare:
		default:
			continue
		}
		found[e.ID] = e.Proposal
	}
	for _, p := range maps.Clone(found) { // the newer one carries out the older
		delete(found, p.Replaces)
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
	o := f.outcome(&t.Proposal)
	if reason := f.tooOld(&t.Proposal, t.AppliedAt); o.known && reason != "" {
		o = unknown("%s", reason)
	}
	if o.known {
		t.Realised = part(t.Saving, o.share)
		t.State = sentei.Applied
		if o.share >= verifiedShare && !f.mayHaveEnded(&t.Proposal) {
			t.State = sentei.Verified
		}
	}
	t.RealisedPerMonth = prices.PerMonth(t.Realised)
	t.Note = f.note(t, o)
	t.Regrets = f.regrets(t)
	switch {
	case len(t.Regrets) > 0:
		t.State = sentei.Regretted
	case t.State != sentei.Verified:
		t.State = sentei.Applied
	}
}

// mayHaveEnded reports whether series that are gone prove nothing: the
// configuration is known and does not drop them, and nothing is stored in
// their place.
func (f *follower) mayHaveEnded(p *sentei.Proposal) bool {
	yes, known := f.inForce(p)
	return known && !yes && (p.Action.Kind == sentei.DropMetric || p.Action.Kind == sentei.DropValues)
}

// note says what is not seen of a proposal that was carried out, and by what
// alone it was seen.
func (f *follower) note(t *sentei.Tracked, o outcome) string {
	var parts []string
	if yes, known := f.inForce(&t.Proposal); !yes {
		switch {
		case t.Action.Kind == sentei.Aggregate:
			parts = append(parts, "seen by the series alone, since no configuration of aggregations is read")
		case known:
			text := "seen by the series alone, since no rule of the configuration does it"
			if f.mayHaveEnded(&t.Proposal) {
				text += ": they may have ended by themselves"
			}
			parts = append(parts, text)
		default:
			parts = append(parts, "the configuration in force is not known")
		}
	}
	switch {
	case o.note == "":
	case o.known:
		parts = append(parts, o.note)
	default:
		parts = append(parts, "the saving cannot be seen now: "+o.note)
	}
	return strings.Join(parts, "; ")
}

// regrets returns who notices, each with the first scan that saw it. While a
// source of consumers cannot be read, those that were known stay.
func (f *follower) regrets(t *sentei.Tracked) []sentei.Regret {
	now := f.Noticing(&t.Proposal, t.AppliedAt)
	same := func(g sentei.Regret) func(sentei.Regret) bool {
		return func(o sentei.Regret) bool { return o.Consumer == g.Consumer && o.Selector == g.Selector }
	}
	for i := range now {
		if k := slices.IndexFunc(t.Regrets, same(now[i])); k >= 0 {
			now[i].Since = t.Regrets[k].Since
		}
	}
	if f.unread(stored(&t.Proposal), func(s *sentei.SourceStatus) bool { return s.Class != "" }) == "" {
		return now
	}
	for _, g := range t.Regrets {
		if !slices.ContainsFunc(now, same(g)) {
			now = append(now, g)
		}
	}
	slices.SortFunc(now, func(a, b sentei.Regret) int {
		return cmp.Or(cmp.Compare(a.Consumer, b.Consumer), cmp.Compare(a.Selector, b.Selector))
	})
	return now
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
