package promql_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/tsdb/chunks"

	"github.com/sentei/sentei"
	sut "github.com/sentei/sentei/internal/promql"
)

// TestSoundnessMerge checks Selector.MergesEqual against Prometheus's engine:
// the series of a metric that is always 0, or always 1, become one where they
// differ in dead labels only, as one target would then expose them.
func TestSoundnessMerge(t *testing.T) {
	run := &soundness{t: t, engines: engines(), counts: map[string]int{}}
	start := time.Now()
	for i := uint64(0); ; i++ {
		if *soundnessDuration == 0 && i == soundnessQueries || *soundnessDuration > 0 && time.Since(start) > *soundnessDuration {
			break
		}
		run.merge(rand.New(rand.NewPCG(*soundnessSeed+1000, i)), fmt.Sprintf("seed %d, query %d", *soundnessSeed, i))
		if run.counterexamples >= 5 {
			break
		}
	}
	run.report(start)
	if run.counts["merge: claimed safe, touches, result"] == 0 || run.counts["merge: claimed unsafe, changed"] == 0 {
		t.Error("nothing was checked")
	}
}

const merged = "g0"

func (s *soundness) merge(r *rand.Rand, id string) {
	use := someLabels(r)
	d := withConstants(r, generate(r, use), use)
	e := expressions{r, use}
	text := e.root(1 + r.IntN(3))
	if r.IntN(2) == 0 { // random trees seldom ignore repeats
		v := e.one("%s", "%s", "max_over_time(%s[3m])", "(%s == 1)", "(1 > %s)", "last_over_time(%s[5m])", "count_over_time(%s[5m])", "count by ("+e.labels()+") (%s)", "(g1 unless on("+e.labels()+") %s)", "min_over_time(%s[5m:1m])")
		text = e.one("max", "avg", "stddev", "count", "group", "sum") + " by (" + e.labels() + ") (" + strings.Replace(v, "%s", e.selector(), 1) + ")"
		if r.IntN(4) == 0 {
			text = e.one("count", "absent", "group", "max") + "(" + text + ")"
		}
	}
	text = strings.NewReplacer("g1", merged, "g2", merged).Replace(text)
	ev := evaluation{engine: s.engines[r.IntN(2)], query: text}
	ev.start = time.Unix(int64(300+7*r.IntN(130)), 0)
	ev.end = ev.start
	if r.IntN(2) == 0 {
		ev.end = ev.start.Add(5 * time.Minute)
	}
	a := sut.Analyze(sentei.Expression{Text: text}, sentei.AllLabelsBut())
	if a.Opaque != "" {
		return
	}
	base := ev.run(d)
	if base.failed != "" || !ev.stable(r, d, base, 3) {
		s.counts["queries that fail or differ from themselves"]++
		return
	}
	s.counts["queries"]++
	strip := sentei.Labels(use[:1+r.IntN(len(use))]...)
	one, touched := d.merged(strip)
	if !touched {
		return
	}
	reads := slices.ContainsFunc(a.Selectors, func(sel sentei.Selector) bool { return readsMerged(&sel) })
	if slices.ContainsFunc(a.Selectors, func(sel sentei.Selector) bool {
		return readsMerged(&sel) && (!sel.MergesEqual || sel.OrderSensitive || slices.ContainsFunc(strip.Names, sel.Live.Has) || !distinct(one, sel.Erased, "", &sel))
	}) {
		s.counts["merge: claimed unsafe"]++
		if base.differs(ev.run(one)) != "" {
			s.counts["merge: claimed unsafe, changed"]++
		}
		return
	}
	s.counts["merge: claimed safe"]++
	if reads && !base.empty() {
		s.counts["merge: claimed safe, touches, result"]++
	}
	if why := base.differs(ev.run(one)); why != "" {
		s.counterexample(r, id, "merging by "+strip.String(), why, ev, d, one, a, base)
	}
}

// readsMerged reports whether the selector may match the merged metric.
func readsMerged(sel *sentei.Selector) bool {
	return sel.MatchesName(merged)
}

// withConstants puts series with one constant value in the place of those of
// the merged metric, with the ends that a target gives them.
func withConstants(r *rand.Rand, d dataset, use []string) dataset {
	g := &generator{r: r, values: 1 + r.IntN(3), use: use, handover: r.IntN(2) == 0}
	for _, s := range d {
		if s.labels.Get("__name__") != merged {
			g.d = append(g.d, s)
		}
	}
	v := float64(r.IntN(2))
	for range 1 + r.IntN(10) {
		ts, _ := g.times()
		at := map[int64]bool{}
		for _, t := range ts {
			at[t] = true
		}
		g.add(g.row(merged), exposed(at, v))
	}
	return g.d
}

// exposed returns the samples of a series that a target exposes at some of its
// scrapes: where it goes missing, a stale marker says so.
func exposed(at map[int64]bool, v float64) []chunks.Sample {
	var out []chunks.Sample
	for i := range int64(scrapes + 1) {
		t := i * scrapeInterval
		switch {
		case at[t]:
			out = append(out, sample{t: t, f: v})
		case at[t-scrapeInterval]:
			out = append(out, sample{t: t, f: math.Float64frombits(value.StaleNaN)})
		}
	}
	return out
}

// merged takes labels off the merged metric. touched says that series become
// one.
func (d dataset) merged(strip sentei.LabelSet) (out dataset, touched bool) {
	type group struct {
		labels labels.Labels
		at     map[int64]bool
		v      float64
	}
	groups := map[string]*group{}
	var order []string
	for _, s := range d {
		if s.labels.Get("__name__") != merged {
			out = append(out, s)
			continue
		}
		l := labels.NewBuilder(s.labels).Del(strip.Names...).Labels()
		g := groups[l.String()]
		if touched = touched || g != nil; g == nil {
			g = &group{labels: l, at: map[int64]bool{}}
			groups[l.String()] = g
			order = append(order, l.String())
		}
		for _, x := range s.samples {
			if !value.IsStaleNaN(x.F()) {
				g.at[x.T()], g.v = true, x.F()
			}
		}
	}
	for _, key := range order {
		g := groups[key]
		out = append(out, series{g.labels, exposed(g.at, g.v)})
	}
	return out, touched
}
