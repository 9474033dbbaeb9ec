package daemon

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promql"
	"github.com/sentei/sentei/internal/relabeling"
)

// TestAnySubsetIsSafe accepts some of the groups of proposals over random
// stored series, carries them out with Prometheus's relabel code and looks at
// what becomes of the series: no reader may lose one, or a label that it needs,
// and none may become equal but those that are meant to.
func TestAnySubsetIsSafe(t *testing.T) {
	accepted, merged, stripped := 0, 0, 0
	for seed := range *agreeSeeds * 3 {
		dir := t.TempDir()
		r := rand.New(rand.NewPCG(seed, 11))
		stored := writeWorld(t, r, filepath.Join(dir, "data"))
		w := world{honorLabels: r.IntN(2) == 0, twoFeeders: r.IntN(2) == 0, wholeJob: r.IntN(2) == 0, skipRehearsal: true}
		w.exprs = make([]string, 2+r.IntN(8))
		for i := range w.exprs {
			w.exprs[i] = randomExpr(r)
		}
		report := w.scan(t, dir)
		through := senders(r, &report.Backends[0], stored)
		for range 20 {
			s := subset{report: report, chosen: someGroups(r, report.Proposals), merges: map[string][]string{}}
			r.Shuffle(len(s.chosen), func(i, k int) { s.chosen[i], s.chosen[k] = s.chosen[k], s.chosen[i] })
			accepted += len(s.chosen)
			for _, p := range s.chosen {
				if p.Action.Merges {
					merged++
					s.merges[p.Action.Metric] = append(s.merges[p.Action.Metric], p.Action.Label)
				} else if p.Action.Kind == sentei.StripLabel {
					stripped++
				}
			}
			after, err := s.carryOut(stored, through)
			if err != nil {
				t.Fatal(err)
			}
			for _, wrong := range s.check(stored, after) {
				t.Errorf("seed %d: %s\nalerts:\n%s\naccepted:\n%s", seed, wrong, strings.Join(w.exprs, "\n"), s.titles())
			}
		}
	}
	t.Logf("%d accepted, %d of them merge series and %d take labels off", accepted, merged, stripped)
	if merged == 0 || stripped == 0 {
		t.Error("too little was checked")
	}
}

// senders returns the scrape job that each series comes through.
func senders(r *rand.Rand, b *sentei.Backend, stored []labels.Labels) []string {
	of := map[string]string{} // by target
	out := make([]string, len(stored))
	for i, l := range stored {
		target := l.Get(model.JobLabel) + "/" + l.Get(model.InstanceLabel)
		if of[target] == "" {
			var may []string
			for _, s := range b.ScrapeJobs {
				if s.HonorLabels || slices.Contains(s.JobLabels, l.Get(model.JobLabel)) {
					may = append(may, s.Name)
				}
			}
			of[target] = may[r.IntN(len(may))]
		}
		out[i] = of[target]
	}
	return out
}

func someGroups(r *rand.Rand, proposals []sentei.Proposal) []sentei.Proposal {
	in := map[string]bool{}
	var out []sentei.Proposal
	for _, p := range proposals {
		group := p.Group
		if group == "" {
			group = p.ID
		}
		if _, decided := in[group]; !decided {
			in[group] = r.IntN(2) == 0
		}
		if in[group] {
			out = append(out, p)
		}
	}
	return out
}

// subset is proposals that somebody accepts.
type subset struct {
	report *sentei.Report
	chosen []sentei.Proposal
	merges map[string][]string // labels by metric
}

func (s *subset) titles() string {
	var out []string
	for i := range s.chosen {
		out = append(out, s.chosen[i].Place.ScrapeJob+": "+relabeling.Title(&s.chosen[i]))
	}
	return strings.Join(out, "\n")
}

// carryOut returns what becomes of each series; none for one that is dropped.
func (s *subset) carryOut(stored []labels.Labels, through []string) ([]labels.Labels, error) {
	rules := map[string][]*relabel.Config{}
	for i := range s.chosen {
		p := &s.chosen[i]
		if p.Action.Kind == sentei.DeleteRules || p.Action.Kind == sentei.SetInterval {
			continue
		}
		more, err := relabeling.Configs(p)
		if err != nil {
			return nil, err
		}
		rules[p.Place.ScrapeJob] = append(rules[p.Place.ScrapeJob], more...)
	}
	out := make([]labels.Labels, len(stored))
	for i, l := range stored {
		if name := l.Get(model.MetricNameLabel); name == "up" {
			out[i] = l
			continue
		}
		if b := labels.NewBuilder(l); relabel.ProcessBuilder(b, rules[through[i]]...) {
			out[i] = b.Labels()
		}
	}
	return out, nil
}

// check returns what is wrong with what became of the series.
func (s *subset) check(before, after []labels.Labels) (wrong []string) {
	seen := map[string]int{}
	for i, l := range after {
		if l.IsEmpty() {
			continue
		}
		if k, twice := seen[l.String()]; twice && !s.mayMerge(before[k], before[i]) {
			wrong = append(wrong, fmt.Sprintf("%s and %s become equal", before[k], before[i]))
		}
		seen[l.String()] = i
	}
	for i := range s.report.Consumers {
		c := &s.report.Consumers[i]
		if c.Dead {
			continue
		}
		// The text is read anew: nothing that the report says counts.
		for _, sel := range promql.Analyze(c.Expression, sentei.AllLabelsBut()).Selectors {
			wrong = append(wrong, s.noticed(c, &sel, before, after)...)
		}
	}
	return wrong
}

func (s *subset) noticed(c *sentei.Consumer, sel *sentei.Selector, before, after []labels.Labels) (wrong []string) {
	seen := map[string]int{}
	for i, l := range before {
		if !sel.Matches(l) {
			continue
		}
		if after[i].IsEmpty() || !sel.Matches(after[i]) {
			wrong = append(wrong, fmt.Sprintf("%s is lost for %s", l, c.Text))
			continue
		}
		l.Range(func(one labels.Label) {
			if sel.Live.Has(one.Name) && after[i].Get(one.Name) != one.Value {
				wrong = append(wrong, fmt.Sprintf("%s loses %s, which %s needs", l, one.Name, c.Text))
			}
		})
		short := labels.NewBuilder(after[i])
		after[i].Range(func(one labels.Label) {
			if sel.Erased.Has(one.Name) {
				short.Del(one.Name)
			}
		})
		key := short.Labels().String()
		// Operators may have made them equal before, too: that is an error of the query.
		if k, twice := seen[key]; twice && !s.mayMerge(before[k], l) && !equalWithout(before[k], l, sel.Erased) {
			wrong = append(wrong, fmt.Sprintf("%s and %s become equal for %s", before[k], l, c.Text))
		}
		seen[key] = i
	}
	return wrong
}

func equalWithout(a, b labels.Labels, erased sentei.LabelSet) bool {
	short := func(l labels.Labels) labels.Labels {
		b := labels.NewBuilder(l)
		l.Range(func(one labels.Label) {
			if erased.Has(one.Name) {
				b.Del(one.Name)
			}
		})
		return b.Labels()
	}
	return labels.Equal(short(a), short(b))
}

// mayMerge reports whether two series differ in nothing but labels that are
// taken off to let them become one.
func (s *subset) mayMerge(a, b labels.Labels) bool {
	names := s.merges[a.Get(model.MetricNameLabel)]
	return len(names) > 0 && labels.Equal(a.MatchLabels(false, names...), b.MatchLabels(false, names...)) && a.Get(model.JobLabel) == b.Get(model.JobLabel)
}
