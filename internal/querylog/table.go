package querylog

import (
	"cmp"
	"slices"
	"time"

	"github.com/sentei/sentei"
)

// table counts entries by text and origin. Memory goes with the number of
// distinct texts, not with that of entries.
type table struct {
	texts map[textKey]*text
	// raw holds the same for lines that took the short way. Its keys are
	// queries as they stand in the JSON, escapes and all.
	raw     map[string]*text
	origins originTable
	// paths and groups number origins by how they stand in the JSON.
	paths, groups map[string]int
	clock         clock
	span          span
	// slow and complete count the entries of each dialect by what gets logged.
	slow, complete map[string]int64
}

type textKey struct {
	text string
	lang sentei.Lang
}

// text is a query and who asked it.
type text struct {
	text    string
	own     bool
	last    int // where the last tally was found
	tallies []tally
	first   [1]tally // room for tallies: most queries have one origin
}

func newText(s string) *text {
	x := &text{text: s, own: IsOwn(s)}
	x.tallies = x.first[:0]
	return x
}

// tally counts the entries of one text and one origin.
type tally struct {
	origin int // in originTable.list
	count  int64
	slow   int64 // of lines that are written for slow requests only
	span   span
}

// span is from the first to the last time; noTime while there is none.
type span struct{ first, last int64 }

func (s *span) add(t int64) {
	if t == noTime {
		return
	}
	if t < s.first || s.first == noTime {
		s.first = t
	}
	if t > s.last || s.last == noTime {
		s.last = t
	}
}

func (s span) times() (first, last time.Time) {
	if s.first == noTime {
		return
	}
	return time.Unix(0, s.first).UTC(), time.Unix(0, s.last).UTC()
}

// originTable numbers origins.
type originTable struct {
	numbers map[origin]int
	list    []origin
}

func (t *originTable) number(o origin) int {
	n, ok := t.numbers[o]
	if !ok {
		n = len(t.list)
		t.numbers[o] = n
		t.list = append(t.list, o)
	}
	return n
}

func newTable() *table {
	return &table{
		texts:    map[textKey]*text{},
		raw:      map[string]*text{},
		paths:    map[string]int{},
		groups:   map[string]int{},
		origins:  originTable{numbers: map[origin]int{}},
		slow:     map[string]int64{},
		complete: map[string]int64{},
	}
}

// add counts an entry.
func (t *table) add(e *entry, c *Counts) {
	t.span.add(e.time)
	if e.slow {
		t.slow[e.dialect]++
	} else {
		t.complete[e.dialect]++
	}
	switch {
	case e.own || slices.ContainsFunc(e.texts, IsOwn):
		c.Own++
		return
	case e.failed:
		c.Failed++
		return
	case e.blind:
		c.Blind++
		return
	}
	c.Used++
	origin := t.origins.number(e.origin)
	for _, s := range e.texts {
		key := textKey{s, e.lang}
		x := t.texts[key]
		if x == nil {
			x = newText(s)
			t.texts[key] = x
		}
		y := x.tally(origin)
		if e.slow {
			y.slow++
		} else {
			y.count++
		}
		y.span.add(e.time)
	}
}

// tally returns the tally of the origin. Rule groups come round in the same
// order, so the search starts at the tally that was found last.
func (x *text) tally(origin int) *tally {
	n := len(x.tallies)
	for i := range n {
		at := x.last + i
		if at >= n {
			at -= n
		}
		if x.tallies[at].origin == origin {
			x.last = at
			return &x.tallies[at]
		}
	}
	x.tallies = append(x.tallies, tally{origin: origin})
	x.last = n
	return &x.tallies[n]
}

// merge puts together what the workers found.
func merge(res *Result, workers []*worker) {
	var all span
	m := merger{queries: map[queryKey]*merged{}}
	slow, complete := map[string]int64{}, map[string]int64{}
	for _, w := range workers {
		t := w.table
		all.add(t.span.first)
		all.add(t.span.last)
		for _, x := range t.raw {
			m.add(t, sentei.PromQL, x)
		}
		t.raw = nil
		for key, x := range t.texts {
			m.add(t, key.lang, x)
		}
		t.texts = nil
		for d, n := range t.slow {
			slow[d] += n
		}
		for d, n := range t.complete {
			complete[d] += n
		}
	}
	res.First, res.Last = all.times()
	for d := range slow {
		if complete[d] == 0 {
			res.Partial = append(res.Partial, d)
		}
	}
	slices.Sort(res.Partial)
	res.Queries = m.sorted()
}

// queryKey tells queries apart.
type queryKey struct {
	text        string
	lang        sentei.Lang
	rule        bool
	file, group string
}

type merger struct{ queries map[queryKey]*merged }

type merged struct {
	Query
	slow int64
}

func (m *merger) add(t *table, lang sentei.Lang, x *text) {
	for _, y := range x.tallies {
		o := t.origins.list[y.origin]
		key := queryKey{x.text, lang, o.rule, o.file, o.group}
		q := m.queries[key]
		if q == nil {
			q = &merged{Query: Query{Text: x.text, Lang: lang, Rule: o.rule, GroupFile: o.file, Group: o.group}}
			m.queries[key] = q
		}
		q.Count += y.count
		q.slow += y.slow
		first, last := y.span.times()
		if q.First.IsZero() || !first.IsZero() && first.Before(q.First) {
			q.First = first
		}
		if last.After(q.Last) {
			q.Last = last
		}
		if o.path != "" && !slices.Contains(q.Origins, o.path) {
			q.Origins = append(q.Origins, o.path)
		}
	}
}

func (m *merger) sorted() []Query {
	out := make([]Query, 0, len(m.queries))
	for _, q := range m.queries {
		// A slow request may be logged as such and once more with all others.
		q.Count = max(q.Count, q.slow)
		slices.Sort(q.Origins)
		q.Origins = q.Origins[:min(len(q.Origins), MaxOrigins)]
		out = append(out, q.Query)
	}
	slices.SortFunc(out, func(a, b Query) int {
		return cmp.Or(
			cmp.Compare(a.Text, b.Text), cmp.Compare(a.Lang, b.Lang),
			cmp.Compare(a.GroupFile, b.GroupFile), cmp.Compare(a.Group, b.Group),
			compareBool(a.Rule, b.Rule),
		)
	})
	return out
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
