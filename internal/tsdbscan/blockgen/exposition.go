package blockgen

import (
	"iter"
	"maps"
	"slices"

	"github.com/prometheus/common/model"
)

// exposition is what all exporters have in one block.
type exposition struct {
	from    int64 // minutes since the cluster began
	start   int64 // the same instant in Unix milliseconds
	symbols []string
	ids     map[string]uint32 // place of each symbol
	metrics map[string][]use
}

// use is that an exporter has a metric.
type use struct {
	family  *family
	targets []target // those with samples in the block
}

func newExposition(exporters []exporter, from, start int64) *exposition {
	x := &exposition{from: from, start: start, metrics: map[string][]use{}}
	x.ids = map[string]uint32{"": 0, model.MetricNameLabel: 0}
	add := func(p pairs) {
		for i := 0; i < len(p); i += 2 {
			if p[i+1] != "" {
				x.ids[p[i]], x.ids[p[i+1]] = 0, 0
			}
		}
	}
	var alive [][]target
	for _, e := range exporters {
		var targets []target
		for _, t := range e.targets {
			if t.from < from+blockMinutes && t.to > from {
				targets = append(targets, t)
				add(t.labels)
			}
		}
		alive = append(alive, targets)
		for i := range e.families {
			f := &e.families[i]
			if len(targets) == 0 {
				continue
			}
			x.ids[f.name] = 0
			x.metrics[f.name] = append(x.metrics[f.name], use{f, targets})
			for _, p := range f.points {
				add(p)
			}
			for j := range targets {
				if f.of != nil {
					for _, p := range f.of(&targets[j]) {
						add(p)
					}
				}
			}
		}
	}
	x.symbols = slices.Sorted(maps.Keys(x.ids))
	for i, s := range x.symbols {
		x.ids[s] = uint32(i)
	}
	for _, targets := range alive {
		for i := range targets {
			targets[i].ids = x.pairs(nil, targets[i].labels)
		}
	}
	return x
}

// pairs appends the places of names and values.
func (x *exposition) pairs(to []uint32, p pairs) []uint32 {
	for i := 0; i < len(p); i += 2 {
		if p[i+1] != "" {
			to = append(to, x.ids[p[i]], x.ids[p[i+1]])
		}
	}
	return to
}

// all returns all series, sorted.
func (x *exposition) all() iter.Seq[Series] {
	return func(yield func(Series) bool) {
		var rows rows
		for _, name := range slices.Sorted(maps.Keys(x.metrics)) {
			rows.reset()
			for _, u := range x.metrics[name] {
				x.add(&rows, name, u)
			}
			for s := range rows.sorted(x.symbols) {
				if !yield(s) {
					return
				}
			}
		}
	}
}

// add adds the series of one metric and exporter.
func (x *exposition) add(rows *rows, name string, u use) {
	var points [][]uint32
	for i := range u.targets {
		t := &u.targets[i]
		if points == nil || u.family.of != nil {
			points = points[:0]
			for _, p := range u.family.series(t) {
				points = append(points, x.pairs(nil, p))
			}
		}
		offset := int64(fnvHash("offset", t.labels)%8) * scrapeInterval / 8
		s := Series{
			From: x.start + max(0, t.from-x.from)*minute + offset,
			To:   x.start + min(blockMinutes, t.to-x.from)*minute - 1,
			Step: scrapeInterval, Values: u.family.values,
		}
		for _, p := range points {
			rows.add(s, []uint32{x.ids[model.MetricNameLabel], x.ids[name]}, t.ids, p)
		}
	}
}
