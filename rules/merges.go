package rules

import (
	"context"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
)

// mergeCandidate is a metric in one job, with labels that may all go.
type mergeCandidate struct {
	metric *sentei.MetricReport
	job    *sentei.JobMetric
	labels []string // sorted
}

// merge is what taking labels off one metric in one job saves.
type merge struct {
	mergeCandidate
	saved sentei.Cost
}

// readMerges reads the series of the candidates and returns those of which
// series of one target become one, each with the fewest labels that do it. An
// *sentei.UnlistedError comes with the merges of the other metrics.
func (x *index) readMerges(ctx context.Context, reader sentei.SeriesReader, candidates []mergeCandidate) ([]merge, error) {
	targets, err := readTargets(ctx, reader)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, c := range candidates {
		names = append(names, c.metric.Name)
	}
	names = slices.Compact(names) // in the order of the report
	var out []merge
	var held []sentei.Series // of one metric
	end := func() {
		for _, c := range candidates {
			if len(held) > 0 && held[0].Labels.Get(model.MetricNameLabel) == c.metric.Name {
				if g, ok := x.mergeOf(c, held, targets); ok {
					out = append(out, g)
				}
			}
		}
		held = held[:0]
	}
	err = reader.ReadSeries(ctx, names, func(s sentei.Series) error {
		if len(held) > 0 && held[0].Labels.Get(model.MetricNameLabel) != s.Labels.Get(model.MetricNameLabel) {
			end()
		}
		held = append(held, s)
		return nil
	})
	end()
	return out, err
}

// mergeOf finds the labels of the candidate to take off. There are none when a
// series cannot be told the target of, or a reader's operators would make
// equal what remains.
func (x *index) mergeOf(c mergeCandidate, all []sentei.Series, targets targets) (merge, bool) {
	var series []sentei.Series
	for _, s := range all {
		if s.Labels.Get(model.JobLabel) != c.job.Job {
			continue
		}
		if !targets.brings(s.Labels) {
			return merge{}, false
		}
		series = append(series, s)
	}
	for _, r := range x.readings(c.metric.Name) {
		for i := range all { // the metric name alone may go: the reader names it
			if slices.ContainsFunc(erasedNames(all[i].Labels, r.selector.Erased.Has), func(n string) bool { return n != model.MetricNameLabel }) {
				return merge{}, false
			}
		}
	}
	live, inSpan := remaining(series, c.labels)
	strip := c.labels
	for _, label := range c.labels { // without it, as many series must become one
		fewer := slices.DeleteFunc(slices.Clone(strip), func(l string) bool { return l == label })
		if l, s := remaining(series, fewer); l == live && s == inSpan {
			strip = fewer
		}
	}
	c.labels = strip
	cost := &c.job.Cost
	return merge{c, cost.Part(max(0, cost.Series-live), max(0, cost.SeriesInSpan-inSpan))}, len(strip) > 0
}

// remaining counts the series that remain without the labels, those live now
// and all of the span.
func remaining(series []sentei.Series, without []string) (live, inSpan int64) {
	seen := make(map[uint64]bool, len(series)) // whether it is live
	var buf []byte
	for i := range series {
		var h uint64
		h, buf = series[i].Labels.HashWithoutLabels(buf, without...)
		was, known := seen[h]
		if !known {
			inSpan++
		}
		if series[i].Live && !was {
			live++
		}
		seen[h] = was || series[i].Live
	}
	return live, inSpan
}

// targets are the labels of all targets, by job: what the series up have.
type targets map[string]*jobTargets

type jobTargets struct {
	names []string // sorted
	known map[uint64]bool
}

func readTargets(ctx context.Context, reader sentei.SeriesReader) (targets, error) {
	var up []labels.Labels
	out := targets{}
	err := reader.ReadSeries(ctx, []string{"up"}, func(s sentei.Series) error {
		up = append(up, s.Labels)
		job := s.Labels.Get(model.JobLabel)
		t := out[job]
		if t == nil {
			t = &jobTargets{known: map[uint64]bool{}}
			out[job] = t
		}
		s.Labels.Range(func(l labels.Label) {
			if l.Name != model.MetricNameLabel && !slices.Contains(t.names, l.Name) {
				t.names = append(t.names, l.Name)
			}
		})
		return nil
	})
	for _, t := range out {
		slices.Sort(t.names)
	}
	for _, l := range up {
		t := out[l.Get(model.JobLabel)]
		t.known[t.hash(l)] = true
	}
	return out, err
}

func (t *jobTargets) hash(l labels.Labels) uint64 { return l.MatchLabels(true, t.names...).Hash() }

// brings reports whether the series has all labels of a target, so that it came
// from that one. A scrape job that honors labels may bring others.
func (t targets) brings(l labels.Labels) bool {
	job := t[l.Get(model.JobLabel)]
	return job != nil && slices.Contains(job.names, model.InstanceLabel) && job.known[job.hash(l)]
}
