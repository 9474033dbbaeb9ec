package analyzer

import (
	"cmp"
	"slices"

	"github.com/sentei/sentei"
)

// merge joins the inventories of one backend into one. Of what several of them
// know, the one that stands first in the configuration wins; later ones add
// what it lacks: metrics, jobs, labels, values, type, unit, help and scrape
// jobs. Of a job with more live series than the first one has ever seen, a
// later one that is as new tells the figures.
func merge(c *collection) *sentei.Inventory {
	merged := &sentei.Inventory{Backend: c.backend.Name}
	at := map[string]int{} // metric name -> index in merged.Metrics
	jobs := map[string]bool{}
	for n, inv := range c.inventories {
		if merged.From.IsZero() || inv.From.Before(merged.From) {
			merged.From = inv.From
		}
		if inv.To.After(merged.To) {
			merged.To = inv.To
		}
		adds := n == 0 // figures of its own
		for _, m := range inv.Metrics {
			i, known := at[m.Name]
			if !known {
				at[m.Name] = len(merged.Metrics)
				merged.Metrics = append(merged.Metrics, m)
				adds = true
				continue
			}
			first := &merged.Metrics[i]
			first.Type = cmp.Or(first.Type, m.Type)
			first.Unit = cmp.Or(first.Unit, m.Unit)
			first.Help = cmp.Or(first.Help, m.Help)
			jobs, figures := mergeJobs(first.Jobs, m.Jobs, !inv.To.Before(merged.To.Add(-clockSlack)))
			adds = adds || figures
			first.Jobs = jobs
		}
		for _, j := range inv.ScrapeJobs {
			if !jobs[j.Name] {
				jobs[j.Name] = true
				merged.ScrapeJobs = append(merged.ScrapeJobs, j)
			}
		}
		merged.DuplicateTargets = append(merged.DuplicateTargets, inv.DuplicateTargets...)
		if adds {
			merged.Estimated = append(merged.Estimated, inv.Estimated...)
		}
		merged.ExternalLabels = append(merged.ExternalLabels, inv.ExternalLabels...)
		merged.RemoteWrite = append(merged.RemoteWrite, inv.RemoteWrite...)
	}
	merged.ExternalLabels = distinct(append(merged.ExternalLabels, c.backend.ExternalLabels...))
	merged.RemoteWrite = distinct(append(merged.RemoteWrite, c.backend.RemoteWrite...))
	if len(merged.ScrapeJobs) == 0 {
		merged.ScrapeJobs = slices.Clone(c.backend.ScrapeJobs)
		merged.DuplicateTargets = slices.Clone(c.backend.DuplicateTargets)
	}
	for i := range merged.ScrapeJobs { // no server shows this of jobs in files of scrape_config_files
		j := &merged.ScrapeJobs[i]
		k := slices.IndexFunc(c.backend.ScrapeJobs, func(f sentei.ScrapeJob) bool { return f.Name == j.Name })
		switch {
		case k < 0:
		case j.Assumed:
			j.HonorLabels, j.Assumed = c.backend.ScrapeJobs[k].HonorLabels, false
		default:
			j.HonorLabels = j.HonorLabels || c.backend.ScrapeJobs[k].HonorLabels
		}
	}
	merged.DuplicateTargets = onceEach(merged.DuplicateTargets)
	slices.SortFunc(merged.Metrics, func(a, b sentei.Metric) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(merged.ScrapeJobs, func(a, b sentei.ScrapeJob) int { return cmp.Compare(a.Name, b.Name) })
	slices.Sort(merged.Estimated)
	merged.Estimated = slices.Compact(merged.Estimated)
	return merged
}

// onceEach leaves out what a second source tells of an address, and sorts.
func onceEach(targets []sentei.DuplicateTarget) []sentei.DuplicateTarget {
	slices.SortStableFunc(targets, func(a, b sentei.DuplicateTarget) int { return cmp.Compare(a.URL, b.URL) })
	return slices.CompactFunc(targets, func(a, b sentei.DuplicateTarget) bool { return a.URL == b.URL })
}

// mergeJobs adds jobs and labels that only the second inventory has seen: what
// a younger or longer look has seen may be read as well. recent says that the
// second is as new as the first. It reports whether figures of the second are
// in the result.
func mergeJobs(first, second []sentei.JobMetric, recent bool) (merged []sentei.JobMetric, figures bool) {
	merged = slices.Clone(first)
	for _, j := range second {
		i := slices.IndexFunc(merged, func(m sentei.JobMetric) bool { return m.Job == j.Job })
		if i < 0 {
			merged, figures = append(merged, j), true
			continue
		}
		if j.Uncounted != merged[i].Uncounted { // the one that counted knows
			if merged[i].Uncounted {
				merged[i], figures = j, true
			}
			continue
		}
		histogram := mergeHistograms(merged[i].Histogram, j.Histogram)
		if !recent || j.Cost.Series <= merged[i].Cost.SeriesInSpan {
			mergeLabels(&merged[i], &j)
		} else { // the first one lacks series, so its figures are too small
			if j.Labels != nil {
				mergeLabels(&j, &merged[i])
			}
			merged[i], figures = j, true
		}
		merged[i].Histogram = histogram
	}
	slices.SortFunc(merged, func(a, b sentei.JobMetric) int { return cmp.Compare(a.Job, b.Job) })
	return merged, figures
}

// mergeLabels adds the labels of the second job. What they say about each other
// holds for the series of one inventory: of two that looked it remains what
// both say, and nothing about a label that only one has seen.
func mergeLabels(first, second *sentei.JobMetric) {
	if first.Labels == nil {
		first.Labels, first.Reductions = second.Labels, second.Reductions
		return
	}
	lacking, known := lacks(first, second), len(first.Labels)
	first.Labels = slices.Clone(first.Labels)
	for _, l := range second.Labels {
		if k := first.Label(l.Name); k != nil {
			k.DeterminedBy = both(k.DeterminedBy, l.DeterminedBy)
			mergeValues(k, &l)
			continue
		}
		l.DeterminedBy = nil
		first.Labels = append(first.Labels, l)
	}
	if first.Reductions == nil && len(first.Labels) == known && len(second.Labels) == known {
		first.Reductions = second.Reductions
	}
	if lacking { // there are series that nobody has looked at together with the others
		first.Reductions = nil
		for i := range first.Labels {
			first.Labels[i].DeterminedBy = nil
		}
	}
	slices.SortFunc(first.Labels, func(a, b sentei.LabelStats) int { return cmp.Compare(a.Name, b.Name) })
}

// mergeValues adds the values of the second to those of the first, if these
// were all. What would remain without the label is then not known.
func mergeValues(first, second *sentei.LabelStats) {
	if !hasMore(first, second) {
		return
	}
	first.SeriesWithout, first.SeriesWithoutLive = -1, -1
	if first.Complete {
		first.Values = slices.Concat(first.Values, unseen(first, second))
		slices.SortFunc(first.Values, func(a, b sentei.LabelValue) int {
			return cmp.Or(cmp.Compare(b.Series, a.Series), cmp.Compare(a.Value, b.Value))
		})
		first.Distinct = int64(len(first.Values))
	}
	first.Complete = first.Complete && second.Complete
	first.Distinct = max(first.Distinct, second.Distinct)
}

// both returns what is in both lists, nil standing for no knowledge.
func both(a, b []string) []string {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return !slices.Contains(b, s) })
}

// mergeHistograms puts the buckets that two inventories have seen together.
func mergeHistograms(a, b *sentei.Histogram) *sentei.Histogram {
	if a == nil || b == nil {
		return cmp.Or(a, b)
	}
	m := &sentei.Histogram{Bounds: slices.Concat(a.Bounds, b.Bounds), NativeSeries: max(a.NativeSeries, b.NativeSeries)}
	slices.SortFunc(m.Bounds, sentei.CompareBounds)
	m.Bounds = slices.Compact(m.Bounds)
	return m
}
