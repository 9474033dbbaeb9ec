package tsdbscan

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
)

// noLabel stands for the value of a label that a series does not have.
const noLabel = "\xff"

func simpleValue(s *simpleSeries, name string) string {
	if !s.labels.Has(name) {
		return noLabel
	}
	return s.labels.Get(name)
}

// simpleDepends fills in DeterminedBy by looking at every pair of labels.
func simpleDepends(j *sentei.JobMetric, rows []*simpleSeries) {
	for i := range j.Labels {
		l := &j.Labels[i]
		l.DeterminedBy = []string{}
		for k := range j.Labels {
			if k != i && !simpleConstant(rows, l.Name) && simpleDetermines(rows, j.Labels[k].Name, l.Name) {
				l.DeterminedBy = append(l.DeterminedBy, j.Labels[k].Name)
			}
		}
	}
}

func simpleConstant(rows []*simpleSeries, name string) bool {
	return !slices.ContainsFunc(rows, func(s *simpleSeries) bool { return simpleValue(s, name) != simpleValue(rows[0], name) })
}

func simpleDetermines(rows []*simpleSeries, a, b string) bool {
	of := map[string]string{}
	for _, s := range rows {
		if known, ok := of[simpleValue(s, a)]; ok && known != simpleValue(s, b) {
			return false
		}
		of[simpleValue(s, a)] = simpleValue(s, b)
	}
	return true
}

// simpleReductions tries every candidate in every step.
func simpleReductions(j *sentei.JobMetric, rows, live []*simpleSeries) []sentei.Reduction {
	found := []sentei.Reduction{}
	gone := map[string]bool{"__name__": false}
	all, alive := int64(len(rows)), int64(len(live))
	for len(found) < 5 {
		best := sentei.Reduction{SeriesWithout: all, SeriesWithoutLive: alive}
		for _, set := range simpleCandidates(j) {
			set = slices.DeleteFunc(set, func(l string) bool { return gone[l] })
			remove := slices.Clone(set)
			for l, yes := range gone {
				if yes {
					remove = append(remove, l)
				}
			}
			slices.Sort(remove)
			r := sentei.Reduction{Labels: set, SeriesWithout: simpleWithout(rows, remove...), SeriesWithoutLive: simpleWithout(live, remove...)}
			if cmp.Or(
				cmp.Compare(r.SeriesWithoutLive, best.SeriesWithoutLive), cmp.Compare(r.SeriesWithout, best.SeriesWithout),
				cmp.Compare(len(r.Labels), len(best.Labels)), slices.Compare(r.Labels, best.Labels),
			) < 0 {
				best = r
			}
		}
		if best.SeriesWithout == all && best.SeriesWithoutLive == alive {
			break
		}
		found = append(found, best)
		all, alive = best.SeriesWithout, best.SeriesWithoutLive
		for _, l := range best.Labels {
			gone[l] = true
		}
	}
	return found
}

// simpleCandidates returns every label, with those that it determines and that
// determine it, and with all that determine it.
func simpleCandidates(j *sentei.JobMetric) [][]string {
	var sets [][]string
	for i := range j.Labels {
		l := &j.Labels[i]
		class := []string{l.Name}
		for k := range j.Labels {
			if slices.Contains(l.DeterminedBy, j.Labels[k].Name) && slices.Contains(j.Labels[k].DeterminedBy, l.Name) {
				class = append(class, j.Labels[k].Name)
			}
		}
		closure := append([]string{l.Name}, l.DeterminedBy...)
		slices.Sort(class)
		slices.Sort(closure)
		sets = append(sets, []string{l.Name}, class, closure)
	}
	return sets
}

// simpleHistogram describes the buckets of a job.
func simpleHistogram(metric string, rows []*simpleSeries) *sentei.Histogram {
	h := &sentei.Histogram{}
	byText := map[string]float64{}
	classic := strings.HasSuffix(metric, "_bucket")
	for _, s := range rows {
		if s.native {
			h.NativeSeries++
		}
		v, err := strconv.ParseFloat(s.labels.Get(labels.BucketLabel), 64)
		classic = classic && err == nil && !math.IsNaN(v)
		byText[s.labels.Get(labels.BucketLabel)] = v
	}
	if classic {
		for text := range byText {
			h.Bounds = append(h.Bounds, text)
		}
		slices.SortFunc(h.Bounds, func(a, b string) int { return cmp.Or(cmp.Compare(byText[a], byText[b]), cmp.Compare(a, b)) })
	}
	if h.Bounds == nil && h.NativeSeries == 0 {
		return nil
	}
	return h
}
