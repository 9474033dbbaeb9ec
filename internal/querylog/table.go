package querylog

import (
	"slices"
	"strings"
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
	origins map[origin]*origin // each is kept once
	// paths and groups find origins by how they stand in the JSON.
	paths, groups map[string]*origin
	clock         clock
	hours         hours
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
	lang    sentei.Lang
	own     bool
	last    int // where the last tally was found
	tallies []tally
	first   [1]tally // room for tallies: most queries have one origin
}

func newText(s string, lang sentei.Lang) *text {
	x := &text{text: s, lang: lang, own: IsOwn(s)}
	x.tallies = x.first[:0]
	return x
}

// tally counts the entries of one text and one origin.
type tally struct {
	origin *origin
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

func newTable() *table {
	return &table{
		texts:    map[textKey]*text{},
		raw:      map[string]*text{},
		origins:  map[origin]*origin{},
		paths:    map[string]*origin{},
		groups:   map[string]*origin{},
		hours:    newHours(),
		slow:     map[string]int64{},
		complete: map[string]int64{},
	}
}

// add counts an entry.
func (t *table) add(e *entry, c *Counts) {
	t.hours.add(e.time)
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
	origin := t.origin(e.origin)
	for _, s := range e.texts {
		key := textKey{s, e.lang}
		x := t.texts[key]
		if x == nil {
			key.text = strings.Clone(s) // it may be part of a whole line
			x = newText(key.text, e.lang)
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

// origin returns the one pointer to an origin that equals o.
func (t *table) origin(o origin) *origin {
	p := t.origins[o]
	if p == nil {
		// The strings may be parts of a whole line.
		p = &origin{o.rule, strings.Clone(o.file), strings.Clone(o.group), strings.Clone(o.path)}
		t.origins[*p] = p
	}
	return p
}

// tally returns the tally of the origin. Rule groups come round in the same
// order, so the search starts at the tally that was found last.
func (x *text) tally(origin *origin) *tally {
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
