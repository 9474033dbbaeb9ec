package track

import (
	"maps"
	"slices"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/relabeling"
)

// inForce reports whether the configuration carries the proposal out, and
// whether that is known. Of an aggregation it never is: it takes place outside
// of what is read.
func (f *follower) inForce(p *sentei.Proposal) (yes, known bool) {
	c := f.Configs[p.Place.Backend]
	switch {
	case p.Action.Kind == sentei.DeleteRules:
		return f.rulesGone(p)
	case c == nil || p.Action.Kind == sentei.Aggregate:
		return false, false
	case p.Place.RemoteWrite != "":
		w := c.RemoteWrite(p.Place.RemoteWrite)
		return w != nil && relabeling.Present(w.Rules, p), true
	}
	job, known := c.Jobs[p.Place.ScrapeJob]
	switch p.Action.Kind {
	case sentei.SetInterval:
		yes = job.Interval >= p.Action.Interval
	case sentei.ConvertHistograms:
		yes = job.Converts
	default:
		yes = relabeling.Present(job.Rules, p)
	}
	return known && yes, known
}

// rulesGone reports whether no rule records any more what the proposal's rules
// recorded, nor is there one of these: old proposals do not tell their labels.
// It is known when all sources of rules were read in full.
func (f *follower) rulesGone(p *sentei.Proposal) (gone, known bool) {
	r, sources := f.Report, map[string]bool{}
	for i := range r.Sources {
		if s := &r.Sources[i]; s.Backend == p.Place.Backend && s.Class == sentei.ClassRules {
			sources[s.Name] = true
		}
	}
	if len(sources) == 0 || f.unread(p.Place.Backend, func(s *sentei.SourceStatus) bool { return s.Class == sentei.ClassRules }) != "" {
		return false, false
	}
	return !slices.ContainsFunc(r.Consumers, func(c sentei.Consumer) bool {
		return f.records(&c, p) && (maps.Equal(c.RecordLabels, p.Action.RecordLabels) || slices.Contains(p.Action.Rules, c.ID))
	}), true
}

// records reports whether a recording rule writes the metric of the proposal.
func (f *follower) records(c *sentei.Consumer, p *sentei.Proposal) bool {
	return c.Kind == sentei.RecordingRule && c.Backend == p.Place.Backend && c.Records == p.Action.Metric
}

// decides reports whether the configuration alone says whether the change is
// there: for the others it may have been made elsewhere, in an exporter say.
func decides(p *sentei.Proposal) bool {
	switch p.Action.Kind {
	case sentei.DeleteRules, sentei.SetInterval, sentei.ConvertHistograms:
		return true
	}
	return false
}
