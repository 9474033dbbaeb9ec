package rules

import (
	"fmt"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/relabeling"
)

// keepDistinct finds out which of the candidates take labels off series of the
// metric in such a way that two of them become equal, or equal for a reader
// whose operators remove further labels. Those get a reason in left. They are
// tried in order, each together with those before it that are right, since two
// labels may tell series apart only together. Series that other candidates let
// become one on purpose count as that one: with fewer labels, no others may join
// them. What holds for all that are right holds for any part of them, since more
// labels never make series equal.
func (x *index) keepDistinct(m *sentei.MetricReport, series []labels.Labels, candidates []*candidate) {
	var strips []*candidate
	series = merged(series, candidates)
	for _, c := range candidates {
		if c.Action.Kind != sentei.StripLabel || c.Action.Merges || c.left != "" || c.wrong != "" {
			continue
		}
		strips = append(strips, c)
		if c.left = x.equalWithout(m, series, strips); c.left != "" {
			strips = strips[:len(strips)-1]
		}
	}
}

// merged carries out the candidates that let series become one.
func merged(series []labels.Labels, candidates []*candidate) []labels.Labels {
	var merges []*candidate
	for _, c := range candidates {
		if c.Action.Merges && c.wrong == "" {
			merges = append(merges, c)
		}
	}
	if len(merges) == 0 {
		return series
	}
	out := make([]labels.Labels, 0, len(series))
	seen := make(map[string]bool, len(series))
	var buf []byte
	for _, l := range series {
		for _, c := range merges {
			if c.scope.Has(l) {
				l, _ = relabeling.Planned(c.Proposal, l)
			}
		}
		if buf = l.Bytes(buf); !seen[string(buf)] {
			seen[string(buf)] = true
			out = append(out, l)
		}
	}
	return out
}

// equalWithout returns which series become equal when all the strips are
// carried out, or "".
func (x *index) equalWithout(m *sentei.MetricReport, series []labels.Labels, strips []*candidate) string {
	short := make([]labels.Labels, len(series))
	for i, l := range series {
		short[i] = l
		for _, c := range strips {
			if c.scope.Has(l) {
				short[i], _ = relabeling.Planned(c.Proposal, short[i])
			}
		}
	}
	if a, b := equal(series, short, nil, nil); a >= 0 {
		return fmt.Sprintf("%s and %s become equal", series[a], series[b])
	}
	for _, r := range x.readings(m.Name) {
		s := r.selector
		if s.Erased.IsEmpty() || !sameBackend(r.consumer, m.Backend) || x.expired(r.consumer) || !x.mayRead(m, nil, s.Matchers) {
			continue
		}
		if _, named := s.NamedMetric(); !named && s.Erased.Has(model.MetricNameLabel) {
			return fmt.Sprintf("%s reads several metrics and removes their names", describe(r.consumer))
		}
		if a, b := equal(series, short, s.Matches, s.Erased.Has); a >= 0 {
			return fmt.Sprintf("%s and %s become equal for %s, which also removes %s", series[a], series[b], describe(r.consumer), s.Erased)
		}
	}
	return ""
}

// equal returns the places of two series that have the same short labels, or
// -1. Only those count that are wanted, and only labels that are not erased.
func equal(series, short []labels.Labels, wanted func(labels.Labels) bool, erased func(string) bool) (int, int) {
	seen := make(map[uint64]int, len(short))
	for i, l := range short {
		if wanted != nil && !wanted(series[i]) {
			continue
		}
		if erased != nil {
			l = l.MatchLabels(false, erasedNames(l, erased)...)
		}
		h := l.Hash() // two that differ and have one hash count as equal
		if k, ok := seen[h]; ok {
			return k, i
		}
		seen[h] = i
	}
	return -1, -1
}

func erasedNames(l labels.Labels, erased func(string) bool) []string {
	var names []string
	l.Range(func(l labels.Label) {
		if erased(l.Name) {
			names = append(names, l.Name)
		}
	})
	slices.Sort(names)
	return names
}
