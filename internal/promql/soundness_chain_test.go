package promql_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunks"

	"github.com/sentei/sentei"
	sut "github.com/sentei/sentei/internal/promql"
)

// recorded is the metric that the rule of a chain writes.
const recorded = "recorded"

// TestSoundnessOfChains checks what is dead for a recording rule of which only
// some labels are read: the rule is evaluated over the data, before and after
// a label is removed, and the reader must not see a difference.
func TestSoundnessOfChains(t *testing.T) {
	run := &soundness{t: t, engines: engines(), counts: map[string]int{}}
	start := time.Now()
	for i := uint64(0); ; i++ {
		if *soundnessDuration == 0 && i == soundnessQueries/4 || *soundnessDuration > 0 && time.Since(start) > *soundnessDuration/4 {
			break
		}
		run.chain(rand.New(rand.NewPCG(*soundnessSeed, i)), fmt.Sprintf("seed %d, chain %d", *soundnessSeed, i))
		if run.counterexamples >= 5 {
			break
		}
	}
	run.report(start)
	if run.counts["chain: claimed safe, touches, result"] == 0 {
		t.Error("nothing was checked")
	}
}

func (s *soundness) chain(r *rand.Rand, id string) {
	use := someLabels(r)
	d := generate(r, use)
	x := expressions{r, use}
	rule := evaluation{engine: s.engines[r.IntN(2)], query: x.root(1 + r.IntN(3)), start: time.Unix(0, 0), end: time.Unix(scrapes*30, 0)}
	if r.IntN(2) == 0 {
		rule.query = x.layers(2)
	}
	by := x.labels()
	reader := evaluation{engine: rule.engine, start: time.Unix(int64(600+30*r.IntN(20)), 0)}
	reader.end = reader.start.Add(5 * time.Minute)
	reader.query = "sum by (" + by + ") (" + x.one("recorded", "max_over_time(recorded[5m])", "rate(recorded[5m])", "-recorded", "max_over_time((recorded * 2)[5m:1m])") + ")"

	read := sut.Analyze(sentei.Expression{Text: reader.query}, sentei.AllLabelsBut())
	if read.Opaque != "" {
		s.counts["queries that do not parse"]++
		return
	}
	a := sut.Analyze(sentei.Expression{Text: rule.query}, read.Selectors[0].Live)
	if a.Opaque != "" {
		s.counts["queries that do not parse"]++
		return
	}
	s.counts["chains"]++
	before, ok := s.record(r, rule, d)
	if !ok {
		return
	}
	base := reader.run(before)
	if base.failed != "" {
		s.counts["queries that fail"]++
		return
	}
	for _, l := range use {
		stripped, touched := d.without(l, "")
		if !touched || !distinct(stripped, sentei.LabelSet{}, "", nil) || claim(d, a, l, "") != safe {
			continue
		}
		s.counts["chain: claimed safe"]++
		if !base.empty() && touches(d, a, l, "") {
			s.counts["chain: claimed safe, touches, result"]++
		}
		why := ""
		if after, ok := record(rule, stripped); !ok {
			why = "the rule fails"
		} else {
			why = base.differs(reader.run(after))
		}
		if why != "" && !stableChain(r, rule, reader, d, base) {
			s.counts["queries that differ from themselves"]++
			continue
		}
		if why != "" {
			s.counterexample(r, id, "removing "+l+" for "+reader.query, why, rule, d, stripped, a, rule.run(d))
		}
	}
}

// stableChain reports whether the reader sees the same in whatever order the
// storage returns series to the rule. A rounding can look like a reset to it.
func stableChain(r *rand.Rand, rule, reader evaluation, d dataset, base outcome) bool {
	for range 100 {
		other := slices.Clone(d)
		r.Shuffle(len(other), func(i, j int) { other[i], other[j] = other[j], other[i] })
		stored, ok := record(rule, other)
		if !ok || base.differs(reader.run(stored)) != "" {
			return false
		}
	}
	return true
}

// record evaluates the rule every minute, and stores what it gives.
func (s *soundness) record(r *rand.Rand, rule evaluation, d dataset) (dataset, bool) {
	out := rule.run(d)
	if out.failed != "" {
		s.counts["queries that fail"]++
		return nil, false
	}
	if !rule.stable(r, d, out, 3) {
		s.counts["queries that differ from themselves"]++
		return nil, false
	}
	return record(rule, d)
}

func record(rule evaluation, d dataset) (dataset, bool) {
	out := rule.run(d)
	var stored dataset
	seen := map[string]int{}
	for text, p := range out.series {
		l, err := engineParser().ParseMetric(text)
		if err != nil {
			return nil, false
		}
		l = labels.NewBuilder(l).Set("__name__", recorded).Labels()
		at, ok := seen[l.String()]
		if !ok {
			at = len(stored)
			seen[l.String()] = at
			stored = append(stored, series{labels: l})
		}
		for _, f := range p.floats {
			stored[at].samples = append(stored[at].samples, sample{t: f.T, f: f.F})
		}
		for _, h := range p.histograms {
			stored[at].samples = append(stored[at].samples, sample{t: h.T, fh: h.H})
		}
	}
	for i := range stored {
		if !inOrder(stored[i].samples) { // two results of one time become one series
			return nil, false
		}
	}
	return stored, out.failed == ""
}

// inOrder sorts the samples by time and reports whether no two have the same.
func inOrder(samples []chunks.Sample) bool {
	for i := 1; i < len(samples); i++ {
		for j := i; j > 0 && samples[j].T() <= samples[j-1].T(); j-- {
			if samples[j].T() == samples[j-1].T() {
				return false
			}
			samples[j], samples[j-1] = samples[j-1], samples[j]
		}
	}
	return true
}
