package track

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/sentei/sentei"
)

// outcome is what has come of a promise.
type outcome struct {
	known bool
	share float64 // of what was promised, 0 to 1
	// note says why it is not known, or what is missing.
	note string
}

func unknown(format string, args ...any) outcome { return outcome{note: fmt.Sprintf(format, args...)} }

// outcome returns what has come of a proposal, by what is stored now.
func (f *follower) outcome(p *sentei.Proposal) outcome {
	if reason := f.doubt(p); reason != "" {
		return unknown("%s", reason)
	}
	if p.Action.Kind == sentei.SetInterval {
		return f.samples(p)
	}
	c := f.counts[key{stored(p), p.ID}]
	whole, what := p.Saving.Series, "series are still there"
	switch p.Action.Kind {
	case sentei.StripLabel: // it changes series, and seldom saves any
		whole, what = c.of, "series still have the label "+p.Action.Label
	case sentei.Aggregate:
		aggregates := c.of - c.left + f.live(p, recorded(p), f.jobs(p))
		if c.known && c.left == 0 && aggregates == 0 {
			return unknown("nothing is stored of %s any more, with or without %s, nor what recording rules would write", p.Action.Metric, strings.Join(p.Action.Labels, ", "))
		}
		whole += aggregates
	case sentei.ConvertHistograms:
		native := f.live(p, p.Action.Histograms, f.jobs(p))
		if len(p.Action.Histograms) == 0 || native == 0 {
			return unknown("no native histogram is stored in the place of the classic ones")
		}
		whole += native
	case sentei.DeleteRules:
		if gone, _ := f.rulesGone(p); gone && whole == 0 && slices.ContainsFunc(f.Report.Consumers, func(o sentei.Consumer) bool { return f.records(&o, p) }) {
			return outcome{known: true, share: 1, note: fmt.Sprintf("no saving was promised, since other rules record %s as well", p.Action.Metric)}
		}
	}
	switch {
	case !c.known:
		return unknown("which series are left is not known: no inventory lists the values of all labels")
	case c.left == 0:
		return outcome{known: true, share: 1}
	}
	whole = max(whole, c.left)
	o := outcome{known: true, share: 1 - float64(c.left)/float64(whole), note: fmt.Sprintf("%d of %d %s", c.left, whole, what)}
	if c.atMost {
		o.note = "at most " + o.note + ": the inventory counts labels and values over its whole span"
	}
	return o
}

// live returns how many live series the backend has of metrics in jobs, nil
// standing for any.
func (f *follower) live(p *sentei.Proposal, metrics, jobs []string) int64 {
	var n int64
	for _, name := range metrics {
		m := f.metrics[[2]string{p.Place.Backend, name}]
		if m == nil {
			continue
		}
		for _, j := range m.Jobs {
			if jobs == nil || slices.Contains(jobs, j.Job) {
				n += j.Cost.Series
			}
		}
	}
	return n
}

// recorded returns what recording rules write that aggregate.
func recorded(p *sentei.Proposal) []string {
	var out []string
	for _, r := range p.Action.Recordings {
		out = append(out, r.Record)
	}
	return out
}

// samples returns what has come of a longer scrape interval, by how often the
// samples of the scrape job's series come.
func (f *follower) samples(p *sentei.Proposal) outcome {
	before, now := p.Action.Before.Seconds(), p.Action.Interval.Seconds()
	switch b := f.backend(p.Place.Backend); {
	case before <= 0 || now <= before:
		return unknown("the interval that it replaced is not known")
	case slices.Contains(b.Estimated, "samples_per_second"):
		return unknown("the inventory of backend %s takes samples from the interval and does not count them", b.Name)
	}
	jobs := f.jobs(p)
	var series int64
	var rate float64
	for i := range f.Report.Metrics {
		m := &f.Report.Metrics[i]
		if m.Backend != p.Place.Backend || m.RecordedBy != "" {
			continue
		}
		for k := range m.Jobs {
			if j := &m.Jobs[k]; slices.Contains(jobs, j.Job) && j.Cost.Series > 0 {
				series += j.Cost.Series
				rate += j.Cost.SamplesPerSecond
			}
		}
	}
	if series == 0 || rate == 0 {
		return unknown("the inventory of backend %s does not count samples", p.Place.Backend)
	}
	each := rate / float64(series)
	share := min(1, max(0, (1/before-each)/(1/before-1/now)))
	o := outcome{known: true, share: share}
	if share < verifiedShare {
		o.note = fmt.Sprintf("samples came every %s on average, not every %s", model.Duration(seconds(1/each)), model.Duration(p.Action.Interval))
	}
	return o
}

func seconds(s float64) time.Duration {
	return time.Duration(math.Round(s*10)) * (time.Second / 10)
}
