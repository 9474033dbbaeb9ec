package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/sentei/sentei"
)

const intervalTheorem = "Every living selector that reads the job looks back over four of the new intervals or more, or takes the last sample, " +
	"and no operator above it depends on single samples: results are the same but for the moments that samples are from."

// Bounds of what an interval may be for readers.
const (
	samplesInRange   = 4
	instantInterval  = 2 * time.Minute
	noLimit          = time.Duration(1<<63 - 1)
	grafanaRateRange = "__rate_interval"
)

// need is how often a scrape job must be scraped for its readers.
type need struct {
	longest time.Duration    // 0 when nothing longer is right
	by      *sentei.Consumer // who needs that; nil when nobody reads
	reason  string
	readers []sentei.ProofReader
	samples float64 // a second, of metrics that are read
	rates   bool    // a dashboard reads over $__rate_interval
}

// intervalNeed goes through all readers of what the scrape job brings.
// rateRange is the shortest range that Grafana takes for $__rate_interval.
func (x *index) intervalNeed(b *sentei.Backend, s *sentei.ScrapeJob, rateRange time.Duration) need {
	n := need{longest: noLimit}
	recorded := recordedMetrics(x.report)
	for i := range x.report.Metrics {
		m := &x.report.Metrics[i]
		if m.Backend != b.Name || m.RecordedBy != "" || recorded[m.Name] {
			continue
		}
		for k := range m.Jobs {
			job := &m.Jobs[k]
			if !slices.Contains(s.JobLabels, job.Job) {
				continue
			}
			if k < len(m.JobUsage) && m.JobUsage[k].Verdict != sentei.Unused {
				n.samples += job.Cost.SamplesPerSecond
			}
			for _, r := range x.readings(m.Name) {
				if !sameBackend(r.consumer, b.Name) || x.expired(r.consumer) || !job.MayMatch(m.Name, r.selector.Matchers, x.external[b.Name]) {
					continue
				}
				most, reason := longestFor(r, rateRange)
				n.readers = append(n.readers, sentei.ProofReader{Consumer: r.consumer.ID, Selector: r.selector.String(), Because: reason})
				n.rates = n.rates || r.consumer.Template && slices.Contains(chosenRanges(r.consumer.Text), grafanaRateRange)
				if most < n.longest {
					n.longest, n.by, n.reason = most, r.consumer, reason
				}
			}
		}
	}
	return n
}

// longestFor returns the longest scrape interval that leaves what a selector
// feeds as it is to the eye, and why; 0 when none is.
func longestFor(r reading, rateRange time.Duration) (time.Duration, string) {
	c, s := r.consumer, r.selector
	if c.Lang == sentei.MetricsQL {
		return 0, fmt.Sprintf("%s is MetricsQL, whose ranges may follow from the scrape interval", describe(c))
	}
	for _, op := range s.Path {
		if bySample(op) {
			return 0, fmt.Sprintf("%s takes %s of %s, which depends on single samples", describe(c), op, s)
		}
	}
	window := s.Window
	if c.Template {
		switch chosen := chosenRanges(c.Text); {
		case len(chosen) == 0:
		case len(chosen) == 1 && chosen[0] == grafanaRateRange:
			if window > 0 {
				window = min(window, rateRange)
			}
		default:
			return 0, fmt.Sprintf("%s looks back over a range that a variable says", describe(c))
		}
	}
	switch {
	case window > 0:
		return window / samplesInRange, fmt.Sprintf("it looks back over %s, in which it needs %d samples", model.Duration(window), samplesInRange)
	case len(s.Path) > 0 && overRange(s.Path[0]):
		return 0, fmt.Sprintf("%s looks back over a range that is not known", describe(c))
	}
	return instantInterval, "it takes the last sample of 5m"
}

// bySample reports whether the value of an operator depends on how many samples
// there are, or on single ones.
func bySample(operator string) bool {
	switch operator {
	case "changes", "resets", "irate", "idelta", "count_over_time", "sum_over_time", "mad_over_time", "double_exponential_smoothing",
		"timestamp", "start_timestamp", "ts_of_first_over_time", "ts_of_last_over_time", "ts_of_max_over_time", "ts_of_min_over_time",
		"a function named by a variable":
		return true
	}
	return false
}

// overRange reports whether the function takes a range of samples.
func overRange(function string) bool {
	return strings.HasSuffix(function, "_over_time") ||
		slices.Contains([]string{"rate", "increase", "delta", "deriv", "predict_linear"}, function)
}

var rangeWithVariable = regexp.MustCompile(`\[[^\]]*?(\$\w+|\$\{\w+[^}]*\}|\[\[)[^\]]*`)

// chosenRanges returns the variables that stand in the ranges of a template,
// each one once.
func chosenRanges(text string) []string {
	var out []string
	for _, m := range rangeWithVariable.FindAllStringSubmatch(text, -1) {
		name := strings.Trim(m[1], "${}")
		if m[0] != "["+m[1] { // something stands beside it
			name = m[0]
		}
		out = append(out, name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// proveInterval checks that no reader needs a shorter interval than the
// proposal's. That $__rate_interval is long enough is what the rule was told.
func (x *index) proveInterval(p *sentei.Proposal) ([]sentei.ProofReader, string) {
	i := slices.IndexFunc(x.report.Backends, func(b sentei.Backend) bool { return b.Name == p.Place.Backend })
	if i < 0 {
		return nil, "the backend is not in the report"
	}
	b := &x.report.Backends[i]
	k := slices.IndexFunc(b.ScrapeJobs, func(s sentei.ScrapeJob) bool { return s.Name == p.Place.ScrapeJob })
	if k < 0 || !ownsItsJobs(b, &b.ScrapeJobs[k]) {
		return nil, fmt.Sprintf("it is not known what the scrape job %q brings", p.Place.ScrapeJob)
	}
	n := x.intervalNeed(b, &b.ScrapeJobs[k], samplesInRange*p.Action.Interval)
	if n.longest < p.Action.Interval {
		return nil, n.reason
	}
	return sortedReaders(n.readers), ""
}
