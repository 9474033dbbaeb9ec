package track

import (
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/relabeling"
)

// metrics returns the names of what the proposal is about, nil for all that
// its jobs bring.
func metrics(p *sentei.Proposal) []string {
	switch {
	case p.Action.Metric != "":
		return []string{p.Action.Metric}
	case p.Action.Kind != sentei.ConvertHistograms:
		return nil
	}
	names := []string{} // an old proposal does not tell: then none
	for _, h := range p.Action.Histograms {
		names = append(names, h+"_bucket", h+"_count", h+"_sum")
	}
	return names
}

// jobs returns the job labels of the series that the proposal is about, nil for
// any.
func (f *follower) jobs(p *sentei.Proposal) []string {
	switch b := f.backend(p.Place.Backend); {
	case p.Place.Job != "":
		return []string{p.Place.Job}
	case p.Place.ScrapeJob == "":
		return nil
	case b != nil:
		for i := range b.ScrapeJobs {
			if b.ScrapeJobs[i].Name == p.Place.ScrapeJob {
				return b.ScrapeJobs[i].JobLabels
			}
		}
	}
	return []string{} // none that is known
}

// takes reports whether a series that the proposal is about is one that it
// takes away or changes.
func takes(p *sentei.Proposal, l labels.Labels) bool {
	switch p.Action.Kind {
	case sentei.DeleteRules, sentei.ConvertHistograms:
		return true
	case sentei.Aggregate:
		return slices.ContainsFunc(p.Action.Labels, l.Has)
	}
	after, keep := relabeling.Planned(p, l)
	return !keep || !labels.Equal(after, l)
}

// takenLabels returns the labels that are gone from the series that remain.
func takenLabels(p *sentei.Proposal) []string {
	switch p.Action.Kind {
	case sentei.StripLabel:
		return []string{p.Action.Label}
	case sentei.Aggregate:
		return p.Action.Labels
	}
	return nil
}

// selects returns the matchers of all series that the proposal, which is about
// one metric, takes away or changes, one list for each label.
func selects(p *sentei.Proposal, jobs []string) [][]*labels.Matcher {
	about := []*labels.Matcher{labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, p.Action.Metric)}
	if jobs != nil {
		about = append(about, labels.MustNewMatcher(labels.MatchRegexp, model.JobLabel, strings.Join(quoted(jobs), "|")))
	}
	if p.Action.Kind == sentei.DropValues {
		values := relabeling.ValuesRegex(p.Action.Label, p.Action.Values)
		return [][]*labels.Matcher{append(about, labels.MustNewMatcher(labels.MatchRegexp, p.Action.Label, values))}
	}
	var out [][]*labels.Matcher
	for _, label := range takenLabels(p) {
		out = append(out, append(slices.Clip(about), labels.MustNewMatcher(labels.MatchNotEqual, label, "")))
	}
	return out
}

func quoted(texts []string) []string {
	out := make([]string, len(texts))
	for i, t := range texts {
		out[i] = regexp.QuoteMeta(t)
	}
	return out
}
