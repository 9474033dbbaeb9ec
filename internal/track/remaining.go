package track

import (
	"context"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/relabeling"
)

// remaining is what is left, among the live series, of what a proposal takes
// away.
type remaining struct {
	known  bool
	series int64 // that still receive samples and would be dropped or changed
	of     int64 // live series that pass: what a strip is compared with
}

// share returns the part of the promise that has come true, 0 to 1.
func (l *remaining) share(p *sentei.Proposal) float64 {
	whole := p.Saving.Series
	if p.Action.Kind == sentei.StripLabel { // it changes series, and seldom saves any
		whole = l.of
	}
	switch {
	case !l.known:
		return 0
	case l.series == 0:
		return 1
	case whole == 0:
		return 0
	}
	return max(0, 1-float64(l.series)/float64(whole))
}

// countRemaining counts for proposals of one backend. It leaves out those of
// which nothing can be said: where a source of the backend failed, where the
// scrape job has no live series at all, and kinds of proposals that do not act
// on series.
func countRemaining(ctx context.Context, r *sentei.Report, backend string, reader sentei.SeriesReader, proposals []*sentei.Proposal) (map[string]remaining, error) {
	out := map[string]remaining{}
	if !complete(r, backend) {
		return out, nil
	}
	var read []*sentei.Proposal // what is not clear without looking at series
	for _, p := range proposals {
		switch p.Action.Kind {
		case sentei.DropMetric, sentei.DropValues, sentei.StripLabel:
		default:
			continue
		}
		if p.Place.RemoteWrite != "" || !alive(r, p) {
			continue
		}
		left := fromInventory(r, p)
		if left.known && left.series == 0 || reader == nil {
			out[p.ID] = left
			continue
		}
		read = append(read, p)
	}
	if len(read) == 0 {
		return out, nil
	}
	return out, readRemaining(ctx, r, backend, reader, read, out)
}

// complete reports whether all inventory sources of the backend were read.
func complete(r *sentei.Report, backend string) bool {
	return slices.ContainsFunc(r.Backends, func(b sentei.Backend) bool { return b.Name == backend }) &&
		!slices.ContainsFunc(r.Sources, func(s sentei.SourceStatus) bool { return s.Backend == backend && s.Class == "" && !s.Up })
}

// alive reports whether the job of the proposal has live series of metrics
// other than its own: else its targets may just be down.
func alive(r *sentei.Report, p *sentei.Proposal) bool {
	for i := range r.Metrics {
		m := &r.Metrics[i]
		if m.Backend == p.Place.Backend && m.Name != p.Action.Metric && slices.ContainsFunc(m.Jobs, func(j sentei.JobMetric) bool {
			return j.Job == p.Place.Job && j.Cost.Series > 0
		}) {
			return true
		}
	}
	return false
}

// fromInventory counts by what the inventory says. Values are counted over its
// whole span there, so that more may seem to be left than is.
func fromInventory(r *sentei.Report, p *sentei.Proposal) remaining {
	out := remaining{known: true}
	for _, j := range jobMetrics(r, p) {
		if j.Cost.Series == 0 {
			continue
		}
		out.of += j.Cost.Series
		if p.Action.Kind == sentei.DropMetric {
			out.series += j.Cost.Series
			continue
		}
		if j.Labels == nil {
			return remaining{}
		}
		l := j.Label(p.Action.Label)
		switch {
		case l == nil:
		case p.Action.Kind == sentei.StripLabel:
			out.series += min(l.Series, j.Cost.Series)
		case !l.Complete:
			return remaining{}
		default:
			for _, v := range l.Values {
				if planned(p, v.Value) {
					out.series += min(v.Series, j.Cost.Series)
				}
			}
		}
	}
	return out
}

func planned(p *sentei.Proposal, value string) bool {
	return slices.ContainsFunc(p.Action.Values, func(v string) bool {
		return slices.Contains(relabeling.ValueForms(p.Action.Label, v), value)
	})
}

// jobMetrics returns what the proposal acts on.
func jobMetrics(r *sentei.Report, p *sentei.Proposal) []*sentei.JobMetric {
	var out []*sentei.JobMetric
	for i := range r.Metrics {
		m := &r.Metrics[i]
		if m.Backend != p.Place.Backend || p.Action.Metric != "" && m.Name != p.Action.Metric {
			continue
		}
		for k := range m.Jobs {
			if m.Jobs[k].Job == p.Place.Job {
				out = append(out, &m.Jobs[k])
			}
		}
	}
	return out
}

// readRemaining counts the live series themselves.
func readRemaining(ctx context.Context, r *sentei.Report, backend string, reader sentei.SeriesReader, proposals []*sentei.Proposal, out map[string]remaining) error {
	var metrics []string
	for i := range r.Metrics {
		m := &r.Metrics[i]
		if m.Backend == backend && slices.ContainsFunc(proposals, func(p *sentei.Proposal) bool { return p.Action.Metric == "" || p.Action.Metric == m.Name }) {
			metrics = append(metrics, m.Name)
		}
	}
	byMetric := map[string][]*sentei.Proposal{}
	for _, p := range proposals {
		out[p.ID] = remaining{known: true}
		byMetric[p.Action.Metric] = append(byMetric[p.Action.Metric], p)
	}
	return reader.ReadSeries(ctx, metrics, func(s sentei.Series) error {
		if !s.Live {
			return nil
		}
		for _, metric := range []string{s.Labels.Get(model.MetricNameLabel), ""} {
			for _, p := range byMetric[metric] {
				if s.Labels.Get(model.JobLabel) != p.Place.Job {
					continue
				}
				left := out[p.ID]
				left.of++
				if after, keep := relabeling.Planned(p, s.Labels); !keep || !labels.Equal(after, s.Labels) {
					left.series++
				}
				out[p.ID] = left
			}
		}
		return nil
	})
}
