package querylog

import (
	"cmp"
	"maps"
	"slices"
)

// merge puts together what the workers found, and empties their tables.
func merge(res *Result, workers []*worker) {
	var texts []*text
	all := newHours()
	slow, complete := map[string]int64{}, map[string]int64{}
	for _, w := range workers {
		t := w.table
		texts = slices.AppendSeq(texts, maps.Values(t.raw))
		texts = slices.AppendSeq(texts, maps.Values(t.texts))
		t.raw, t.texts = nil, nil
		all.merge(&t.hours)
		for d, n := range t.slow {
			slow[d] += n
		}
		for d, n := range t.complete {
			complete[d] += n
		}
	}
	res.First, res.Last, res.Gaps = all.coverage()
	for _, d := range slices.Sorted(maps.Keys(slow)) {
		if complete[d] == 0 {
			res.Partial = append(res.Partial, d)
		}
	}
	slices.SortFunc(texts, compareTexts)
	most := 0 // workers may have found the same
	for _, x := range texts {
		most += len(x.tallies)
	}
	res.Queries = make([]Query, 0, most)
	for len(texts) > 0 {
		n := 1
		for n < len(texts) && compareTexts(texts[0], texts[n]) == 0 {
			n++
		}
		res.Queries = appendQueries(res.Queries, texts[:n])
		clear(texts[:n]) // for the garbage collector
		texts = texts[n:]
	}
}

func compareTexts(a, b *text) int {
	return cmp.Or(cmp.Compare(a.text, b.text), cmp.Compare(a.lang, b.lang))
}

// appendQueries appends the queries of one text that several workers may have
// found, or one worker in several spellings.
func appendQueries(queries []Query, same []*text) []Query {
	var tallies []tally
	for _, x := range same {
		tallies = append(tallies, x.tallies...)
	}
	slices.SortFunc(tallies, func(a, b tally) int {
		return cmp.Or(
			cmp.Compare(a.origin.file, b.origin.file), cmp.Compare(a.origin.group, b.origin.group),
			cmp.Compare(a.origin.path, b.origin.path),
		)
	})
	for len(tallies) > 0 {
		o := *tallies[0].origin
		q := Query{Text: same[0].text, Lang: same[0].lang, Rule: o.rule, GroupFile: o.file, Group: o.group}
		var slow int64
		var seen span
		for len(tallies) > 0 && sameReader(o, *tallies[0].origin) {
			y := tallies[0]
			tallies = tallies[1:]
			q.Count += y.count
			slow += y.slow
			seen.add(y.span.first)
			seen.add(y.span.last)
			path := y.origin.path
			if n := len(q.Origins); path != "" && n < MaxOrigins && (n == 0 || q.Origins[n-1] != path) {
				q.Origins = append(q.Origins, path)
			}
		}
		// A slow request may be logged as such and once more with all others.
		q.Count = max(q.Count, slow)
		q.First, q.Last = seen.times()
		queries = append(queries, q)
	}
	return queries
}

// sameReader reports whether both origins are one sort of reader: the same
// rule group, or requests to whatever path.
func sameReader(a, b origin) bool {
	return a.rule == b.rule && a.file == b.file && a.group == b.group
}
