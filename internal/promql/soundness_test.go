package promql_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"

	"github.com/sentei/sentei"
	sut "github.com/sentei/sentei/internal/promql"
)

var (
	soundnessDuration = flag.Duration("soundness.duration", 0, "how long TestSoundness runs; 0 for a fixed number of queries")
	soundnessSeed     = flag.Uint64("soundness.seed", 1, "seed of TestSoundness")
)

// The queries that TestSoundness runs when no duration is given.
const soundnessQueries = 6000

// TestSoundness checks what the analysis calls dead against Prometheus's own
// engine: random data, random queries; what is dead is removed, and the result
// must not change.
func TestSoundness(t *testing.T) {
	run := &soundness{t: t, engines: engines(), counts: map[string]int{}}
	start := time.Now()
	for i := uint64(0); ; i++ {
		if *soundnessDuration == 0 && i == soundnessQueries || *soundnessDuration > 0 && time.Since(start) > *soundnessDuration {
			break
		}
		run.query(rand.New(rand.NewPCG(*soundnessSeed, i)), fmt.Sprintf("seed %d, query %d", *soundnessSeed, i))
		if run.counterexamples >= 5 {
			break
		}
	}
	run.report(start)
	if run.counts["strip: claimed safe, touches, result"] == 0 || run.counts["drop: claimed safe, touches, result"] == 0 {
		t.Error("nothing was checked")
	}
}

// fragile are operators that turn a rounding, which goes by the order of a sum,
// into another result.
var fragile = regexp.MustCompile(`count_values|floor|ceil|round|sgn|changes|resets|day_of|\s(?:==|!=|<=|>=|<|>|%)\s`)

type soundness struct {
	t               *testing.T
	engines         []*promql.Engine
	counts          map[string]int
	counterexamples int
}

func (s *soundness) report(start time.Time) {
	var lines []string
	for what, n := range s.counts {
		lines = append(lines, fmt.Sprintf("%-50s %8d", what, n))
	}
	slices.Sort(lines)
	s.t.Logf("%s\n%s", time.Since(start).Round(time.Millisecond), strings.Join(lines, "\n"))
}

// query runs one random query on one random dataset, and on what is left of it
// once series and labels that are dead are removed.
func (s *soundness) query(r *rand.Rand, id string) {
	use := someLabels(r)
	d := generate(r, use)
	text := expressions{r, use}.root(1 + r.IntN(4))
	e := evaluation{engine: s.engines[r.IntN(2)], query: text}
	e.start = time.Unix(int64(300+30*r.IntN(30)), 0)
	e.end = e.start
	if r.IntN(2) == 0 {
		e.end = e.start.Add(5 * time.Minute)
	}
	a := sut.Analyze(sentei.Expression{Text: text}, sentei.AllLabelsBut())
	if a.Opaque != "" {
		s.counts["queries that do not parse"]++
		return
	}
	s.counts["queries"]++
	base := e.run(d)
	if base.failed != "" {
		s.counts["queries that fail"]++
		return
	}
	if !e.stable(r, d, base, 3) {
		s.counts["queries that differ from themselves"]++
		ordered := slices.ContainsFunc(a.Selectors, func(sel sentei.Selector) bool { return sel.OrderSensitive })
		if !ordered && !fragile.MatchString(text) {
			s.t.Errorf("%s: %s depends on the order of series, and no selector says so", id, text)
		}
		return
	}
	s.drop(r, id, e, d, a, base)
	for _, l := range use {
		s.strip(r, id, e, d, a, base, l)
	}
}

// drop checks that series which no selector matches do not matter.
func (s *soundness) drop(r *rand.Rand, id string, e evaluation, d dataset, a sut.Analysis, base outcome) {
	kept := slices.DeleteFunc(slices.Clone(d), func(x series) bool {
		return !slices.ContainsFunc(a.Selectors, func(sel sentei.Selector) bool { return sel.Matches(x.labels) })
	})
	s.counts["drop: claimed safe"]++
	if len(kept) == len(d) {
		return
	}
	s.counts["drop: claimed safe, touches"]++
	if !base.empty() {
		s.counts["drop: claimed safe, touches, result"]++
	}
	if why := base.differs(e.run(kept)); why != "" {
		s.counterexample(r, id, "dropping unmatched series", why, e, d, kept, a, base)
	}
}

// strip checks that a dead label can be removed from the series of some
// metrics, if they stay distinct.
func (s *soundness) strip(r *rand.Rand, id string, e evaluation, d dataset, a sut.Analysis, base outcome, label string) {
	only := "" // of all metrics, or of one
	if r.IntN(3) == 0 {
		only = d.anyName(r)
	}
	stripped, touched := d.without(label, only)
	if !touched || !distinct(stripped, sentei.LabelSet{}, "", nil) {
		return
	}
	kind := claim(d, a, label, only)
	s.counts["strip: claimed "+kind]++
	if kind == unsafe {
		if base.differs(e.run(stripped)) != "" {
			s.counts["strip: claimed unsafe, changed"]++
		}
		return
	}
	if !base.empty() && touches(d, a, label, only) {
		s.counts["strip: claimed "+kind+", touches, result"]++
	}
	if why := base.differs(e.run(stripped)); why != "" {
		s.counterexample(r, id, "removing "+label+" from "+only, why, e, d, stripped, a, base)
	}
}

// The kinds of claims.
const (
	safe   = "safe"
	ties   = "safe modulo ties"
	unsafe = "unsafe"
)

// claim says what the analysis promises about removing a label.
func claim(d dataset, a sut.Analysis, label, only string) string {
	kind := safe
	for _, sel := range a.Selectors {
		if !touchesSelector(d, sel, label, only) {
			continue
		}
		switch {
		case sel.Live.Has(label):
			return unsafe
		case sel.OrderSensitive && (slices.Contains(sel.Path, "limitk") || slices.Contains(sel.Path, "limit_ratio")):
			return unsafe
		case sel.OrderSensitive:
			kind = ties
		}
		if !distinct(d, sel.Erased, label, &sel) {
			return unsafe
		}
	}
	return kind
}

// touchesSelector reports whether the selector can match a series that loses
// the label, whatever it asks of that label.
func touchesSelector(d dataset, sel sentei.Selector, label, only string) bool {
	for _, x := range d {
		if x.labels.Has(label) && (only == "" || x.labels.Get("__name__") == only) && matchesBut(&sel, x.labels, label) {
			return true
		}
	}
	return false
}

func touches(d dataset, a sut.Analysis, label, only string) bool {
	return slices.ContainsFunc(a.Selectors, func(sel sentei.Selector) bool { return touchesSelector(d, sel, label, only) })
}

func matchesBut(sel *sentei.Selector, l labels.Labels, label string) bool {
	for _, m := range sel.Matchers {
		if m.Name != label && !m.Matches(l.Get(m.Name)) {
			return false
		}
	}
	return true
}

// distinct reports whether the series that the selector matches (all, if nil)
// stay distinct without the label and the erased ones.
func distinct(d dataset, erased sentei.LabelSet, label string, sel *sentei.Selector) bool {
	seen := map[string]bool{}
	for _, x := range d {
		if sel != nil && !matchesBut(sel, x.labels, label) {
			continue
		}
		b := labels.NewBuilder(x.labels)
		x.labels.Range(func(l labels.Label) {
			if l.Name == label || erased.Has(l.Name) {
				b.Del(l.Name)
			}
		})
		key := b.Labels().String()
		if seen[key] {
			return false
		}
		seen[key] = true
	}
	return true
}

func (d dataset) anyName(r *rand.Rand) string {
	if len(d) == 0 {
		return ""
	}
	return d[r.IntN(len(d))].labels.Get("__name__")
}

func (d dataset) without(label, only string) (stripped dataset, touched bool) {
	stripped = slices.Clone(d)
	for i, x := range d {
		if x.labels.Has(label) && (only == "" || x.labels.Get("__name__") == only) {
			stripped[i].labels = labels.NewBuilder(x.labels).Del(label).Labels()
			touched = true
		}
	}
	return stripped, touched
}

// counterexample reports a wrong claim, unless the query turns out to depend
// on the order of series even on the original data.
func (s *soundness) counterexample(r *rand.Rand, id, change, why string, e evaluation, d, changed dataset, a sut.Analysis, base outcome) {
	if !e.stable(r, d, base, 100) || !e.stable(r, changed, e.run(changed), 100) {
		s.counts["queries that differ from themselves"]++
		return
	}
	s.counterexamples++
	var b strings.Builder
	for _, sel := range a.Selectors {
		fmt.Fprintf(&b, "\n  selector %s live %s erased %s path %v", sel.String(), sel.Live, sel.Erased, sel.Path)
	}
	for _, x := range d {
		if slices.ContainsFunc(a.Selectors, func(sel sentei.Selector) bool { return sel.Matches(x.labels) }) {
			fmt.Fprintf(&b, "\n  series %s %d..%d", x.labels, x.samples[0].T()/1000, x.samples[len(x.samples)-1].T()/1000)
		}
	}
	s.t.Errorf("%s: %s changes the result of\n  %s\n  at %d..%d, delayed name removal %v\n  %s%s", id, change, e.query,
		e.start.Unix(), e.end.Unix(), e.engine == s.engines[1], why, b.String())
}
