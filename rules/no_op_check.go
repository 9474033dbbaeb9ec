package rules

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promconfig"
	"github.com/sentei/sentei/internal/relabeling"
)

// check is one relabel rule of the user and what the stored series say of it.
type check struct {
	rule  *relabel.Config
	where string
	scope relabeling.Scope
	// later are the rules that run after it, over the same series.
	later []*relabel.Config
	// write says that the rule is one of remote write: the stored series pass
	// it as they are, with external labels added.
	write    bool
	external map[string]string
	name     relabel.Regexp  // what a metric's name must match; matches all when not known
	bound    *relabel.Config // the rule with its alternations in parentheses, or nil

	unsure               bool // some series could not be listed
	effects              int64
	forms, loose, active evidence
	values               []string // in a form that is not stored
}

// evidence is live series that contradict a rule, by metric and stored job.
type evidence struct {
	series map[[2]string]int64
	first  labels.Labels
}

func (e *evidence) add(l labels.Labels, n int64) {
	if e.series == nil {
		e.series, e.first = map[[2]string]int64{}, l
	}
	e.series[[2]string{l.Get(model.MetricNameLabel), l.Get(model.JobLabel)}] += n
}

func (x *index) checksOf(b *sentei.Backend, file string, read *promconfig.Relabeling) []*check {
	var out []*check
	add := func(file string, rules []promconfig.Rule, what string, c check) {
		for i := range rules {
			one := c
			one.rule, one.where = rules[i].Config, fmt.Sprintf("%s:%d, %s[%d]", file, rules[i].Line, what, i)
			if rules[i].Line == 0 {
				one.where = fmt.Sprintf("%s, %s[%d]", file, what, i)
			}
			others := rules[i+1:]
			if c.write { // it sees what the rules before it leave
				others = rules[:i]
			}
			for _, r := range others {
				one.later = append(one.later, r.Config)
			}
			one.name, one.bound = nameOf(one.rule), bound(one.rule)
			out = append(out, &one)
		}
	}
	for _, job := range read.Jobs {
		if scope := ownJobs(b, job.Name); len(scope.Jobs) > 0 {
			add(cmp.Or(job.File, file), job.Rules, "scrape job "+job.Name+", metric_relabel_configs", check{scope: scope})
		}
	}
	for i, w := range read.RemoteWrites {
		name := w.Name
		if name == "" {
			name = fmt.Sprint(i)
		}
		add(file, w.Rules, "remote_write "+name+", write_relabel_configs", check{
			scope: relabeling.Scope{All: true, Written: true}, write: true, external: read.ExternalLabels,
		})
	}
	return out
}

// ownJobs returns the scope of the stored job labels that only this scrape job
// brings.
func ownJobs(b *sentei.Backend, scrapeJob string) relabeling.Scope {
	var s relabeling.Scope
	for i := range b.ScrapeJobs {
		if b.ScrapeJobs[i].Name != scrapeJob {
			continue
		}
		for _, job := range b.ScrapeJobs[i].JobLabels {
			if f := feedersOf(b, job); len(f) == 1 && f[0].Name == scrapeJob {
				s.Jobs = append(s.Jobs, job)
			}
		}
	}
	return s
}

// look goes through the stored series and gathers what they say. Without a
// reader only rules are judged that look at names and jobs alone.
func (x *index) look(ctx context.Context, reader sentei.SeriesReader, b *sentei.Backend, checks []*check) error {
	recorded := recordedMetrics(x.report)
	byMetric := map[string][]*check{}
	var names []string
	for i := range x.report.Metrics {
		m := &x.report.Metrics[i]
		if m.Backend != b.Name {
			continue
		}
		own := m.RecordedBy != "" || recorded[m.Name] || strings.Contains(m.Name, ":")
		for _, c := range checks {
			if own && !c.write || !c.name.MatchString(m.Name) {
				continue
			}
			switch {
			case c.byName():
				for k := range m.Jobs {
					live := m.Jobs[k].Cost.Series
					c.see(sentei.Series{Labels: nameAndJob(m, k), Live: live > 0}, live)
				}
			case reader == nil:
				c.unsure = true
			default:
				byMetric[m.Name] = append(byMetric[m.Name], c)
			}
		}
		if byMetric[m.Name] != nil {
			names = append(names, m.Name)
		}
	}
	if len(names) == 0 {
		return ctx.Err()
	}
	err := reader.ReadSeries(ctx, names, func(s sentei.Series) error {
		for _, c := range byMetric[s.Labels.Get(model.MetricNameLabel)] {
			c.see(s, 1)
		}
		return nil
	})
	if unlisted, ok := errors.AsType[*sentei.UnlistedError](err); ok {
		for _, name := range unlisted.Metrics {
			for _, c := range byMetric[name] {
				c.unsure = true
			}
		}
		return nil
	}
	return err
}

// byName reports whether the rule drops by nothing but names and jobs, and no
// external label comes between.
func (c *check) byName() bool {
	return c.rule.Action == relabel.Drop && c.external[model.JobLabel] == "" && !slices.ContainsFunc(c.rule.SourceLabels, func(l model.LabelName) bool {
		return l != model.MetricNameLabel && l != model.JobLabel
	}) && len(c.rule.SourceLabels) > 0
}

// see takes a stored series into account, or n of one name and job.
func (c *check) see(s sentei.Series, n int64) {
	if !c.scope.Has(s.Labels) {
		return
	}
	l := s.Labels
	if c.write {
		b := labels.NewBuilder(l)
		for name, value := range c.external {
			if !l.Has(name) {
				b.Set(name, value)
			}
		}
		l = b.Labels()
		if got, kept := processed(c.rule, l); !kept || !labels.Equal(got, l) {
			c.effects++
			return
		}
	}
	if !s.Live {
		return
	}
	if !c.write && c.contradicts(l) {
		c.active.add(s.Labels, n)
		return
	}
	if c.rule.Action != relabel.Drop || !c.stable() {
		return
	}
	if v := c.otherForm(l); v != "" {
		c.forms.add(s.Labels, n)
		if !slices.Contains(c.values, v) {
			c.values = append(c.values, v)
		}
	} else if c.bound != nil {
		if _, kept := processed(c.bound, l); !kept {
			c.loose.add(s.Labels, n)
		}
	}
}

func processed(rule *relabel.Config, l labels.Labels) (labels.Labels, bool) {
	b := labels.NewBuilder(l)
	kept := relabel.ProcessBuilder(b, rule)
	return b.Labels(), kept
}

// stable reports whether no other rule may change what the rule looks at.
func (c *check) stable() bool {
	return !slices.ContainsFunc(c.rule.SourceLabels, func(l model.LabelName) bool { return c.changedByOthers(string(l)) })
}

func (c *check) changedByOthers(label string) bool {
	return slices.ContainsFunc(c.later, func(r *relabel.Config) bool { return relabeling.MayChange(r, label) })
}

// contradicts reports whether the series cannot have passed the rule.
func (c *check) contradicts(l labels.Labels) bool {
	r := c.rule
	switch r.Action {
	case relabel.Drop, relabel.Keep:
		_, kept := processed(r, l)
		return !kept && c.stable()
	case relabel.LabelDrop, relabel.LabelKeep:
		left := false
		l.Range(func(one labels.Label) {
			gone := r.Regex.MatchString(one.Name) == (r.Action == relabel.LabelDrop)
			left = left || gone && one.Name != model.MetricNameLabel && !c.changedByOthers(one.Name)
		})
		return left
	case relabel.Replace:
		fixed := !strings.Contains(r.TargetLabel+r.Replacement, "$") && !slices.Contains(r.SourceLabels, model.LabelName(r.TargetLabel))
		got, _ := processed(r, l)
		return fixed && !labels.Equal(got, l) && c.stable() && !c.changedByOthers(r.TargetLabel)
	}
	return false
}

// otherForm returns the value of a float label, in a form that is not stored,
// with which the rule would drop the series; or "".
func (c *check) otherForm(l labels.Labels) string {
	for _, source := range c.rule.SourceLabels {
		stored := l.Get(string(source))
		for _, form := range relabeling.ValueForms(string(source), stored) {
			if form == stored {
				continue
			}
			if _, kept := processed(c.rule, labels.NewBuilder(l).Set(string(source), form).Labels()); !kept {
				return form
			}
		}
	}
	return ""
}
