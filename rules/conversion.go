package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/nativehist"
)

const conversionTheorem = "Every living consumer that reads a classic histogram of the job has a form whose counterpart over native histograms " +
	"gives the same, but for the extrapolation of young counters."

// conversion is what it takes to store the classic histograms of a scrape job
// as native ones.
type conversion struct {
	families nativehist.Families
	rewrites []sentei.Rewrite
	readers  []sentei.ProofReader
	saved    sentei.Cost
	longest  time.Duration // that a reader looks back
	unless   string        // why it is not right
}

// conversion looks at all histograms of a scrape job and all who read them.
func (x *index) conversion(b *sentei.Backend, s *sentei.ScrapeJob) conversion {
	c := conversion{families: nativehist.Families{}}
	if !ownsItsJobs(b, s) {
		return c
	}
	const lookback = 5 * time.Minute
	c.longest = lookback
	fail := func(format string, args ...any) {
		if c.unless == "" {
			c.unless = fmt.Sprintf(format, args...)
		}
	}
	for i := range x.report.Metrics {
		m := &x.report.Metrics[i]
		for k := range m.Jobs {
			job := &m.Jobs[k]
			family := familyOf(m, job)
			if m.Backend != b.Name || family == "" || !slices.Contains(s.JobLabels, job.Job) {
				continue
			}
			if bounds, known := c.families[family]; known && !slices.Equal(bounds, job.Histogram.Bounds) {
				fail("%s has different buckets in different jobs", family)
			}
			c.families[family] = job.Histogram.Bounds
			saved, different := x.convertedCost(b, family, k, m)
			c.saved = c.saved.Plus(saved)
			if different {
				fail("series of %s may have different buckets", family)
			}
		}
	}
	consumers := map[string]*sentei.Consumer{}
	for _, family := range slices.Sorted(maps.Keys(c.families)) {
		if x.metric(b.Name, family) != nil {
			fail("there is a metric %s already", family)
		}
		for _, m := range x.partsOf(b.Name, family) {
			found := x.livingReaders(m, consumers, &c.longest)
			if elsewhere := slices.IndexFunc(m.Jobs, func(j sentei.JobMetric) bool { return !slices.Contains(s.JobLabels, j.Job) }); found && elsewhere >= 0 {
				fail("%s comes from job %q as well, which stays classic", m.Name, m.Jobs[elsewhere].Job)
			}
			if other, why := x.usedElsewhere(b, m); other != "" {
				fail("backend %s %s", other, why)
			}
		}
	}
	sorted := make([]*sentei.Consumer, 0, len(consumers))
	for _, consumer := range consumers {
		sorted = append(sorted, consumer)
	}
	slices.SortFunc(sorted, func(a, b *sentei.Consumer) int { return strings.Compare(a.ID, b.ID) })
	for _, consumer := range sorted {
		to, err := nativehist.Rewrite(consumer.Expression, c.families)
		if err != nil {
			fail("%s cannot be rewritten: %v", describe(consumer), err)
			continue
		}
		c.rewrites = append(c.rewrites, sentei.Rewrite{Consumer: consumer.ID, From: consumer.Text, To: to})
		c.readers = append(c.readers, sentei.ProofReader{Consumer: consumer.ID, Selector: consumer.Text, Because: "becomes " + to})
	}
	return c
}

// livingReaders adds those who may read the metric in any job, and reports
// whether there are some.
func (x *index) livingReaders(m *sentei.MetricReport, into map[string]*sentei.Consumer, longest *time.Duration) bool {
	found := false
	for _, r := range x.readings(m.Name) {
		c := r.consumer
		if !sameBackend(c, m.Backend) || x.expired(c) || !x.mayRead(m, nil, r.selector.Matchers) {
			continue
		}
		found = true
		into[c.ID] = c
		const lookback = 5 * time.Minute
		*longest = max(*longest, r.selector.Range+lookback)
	}
	return found
}

// convertedCost returns what converting a histogram in the k-th job of its
// bucket metric saves, and whether its series may have different buckets. What
// other rules drop of it is not counted: parts and buckets that nobody reads.
func (x *index) convertedCost(b *sentei.Backend, family string, k int, buckets *sentei.MetricReport) (saved sentei.Cost, different bool) {
	job := buckets.Jobs[k].Job
	all, read := sentei.Cost{}, true
	native := sentei.Cost{} // one series for each _count
	for _, m := range x.partsOf(b.Name, family) {
		for i := range m.Jobs {
			if m.Jobs[i].Job != job || i >= len(m.JobUsage) {
				continue
			}
			u := &m.JobUsage[i]
			read = read && !slices.ContainsFunc(u.Labels, func(l sentei.LabelUsage) bool { return l.Name == model.BucketLabel && len(l.UnusedValues) > 0 })
			if u.Verdict != sentei.Unused {
				all = all.Plus(m.Jobs[i].Cost)
			}
			if strings.HasSuffix(m.Name, "_count") {
				native = m.Jobs[i].Cost
			}
		}
	}
	bounds := int64(len(buckets.Jobs[k].Histogram.Bounds))
	cost := buckets.Jobs[k].Cost
	different = native.Series*bounds != cost.Series || native.SeriesInSpan*bounds != cost.SeriesInSpan || buckets.Jobs[k].Histogram.NativeSeries > 0
	if !read || all.Series <= native.Series {
		return sentei.Cost{}, different
	}
	return sentei.Cost{
		Series: all.Series - native.Series, SeriesInSpan: all.SeriesInSpan - native.SeriesInSpan,
		SamplesPerSecond: max(0, all.SamplesPerSecond-native.SamplesPerSecond), ChurnPerHour: max(0, all.ChurnPerHour-native.ChurnPerHour),
		EndedPerHour: max(0, all.EndedPerHour-native.EndedPerHour),
	}, different
}

// proveConversion makes the rewrites once more, from the consumers.
func (x *index) proveConversion(p *sentei.Proposal) ([]sentei.ProofReader, string) {
	i := slices.IndexFunc(x.report.Backends, func(b sentei.Backend) bool { return b.Name == p.Place.Backend })
	if i < 0 {
		return nil, "the backend is not in the report"
	}
	b := &x.report.Backends[i]
	k := slices.IndexFunc(b.ScrapeJobs, func(s sentei.ScrapeJob) bool { return s.Name == p.Place.ScrapeJob })
	if k < 0 {
		return nil, fmt.Sprintf("the scrape job %q is not known", p.Place.ScrapeJob)
	}
	c := x.conversion(b, &b.ScrapeJobs[k])
	switch {
	case c.unless != "":
		return nil, c.unless
	case !slices.Equal(c.rewrites, p.Action.Rewrites):
		return nil, "the rewritten expressions are not those of the consumers"
	}
	return sortedReaders(c.readers), ""
}
