package blockgen

import (
	"cmp"
	"iter"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
)

// rows are the series of one metric, labels as places of symbols.
type rows struct {
	labels []uint32
	rows   []row
}

type row struct {
	offset, length int
	Series
}

func (r *rows) reset() { r.labels, r.rows = r.labels[:0], r.rows[:0] }

func (r *rows) add(s Series, parts ...[]uint32) {
	offset := len(r.labels)
	for _, p := range parts {
		r.labels = append(r.labels, p...)
	}
	l := r.labels[offset:]
	for i := 2; i < len(l); i += 2 { // sorts the pairs, most of which are in order
		for j := i; j > 0 && l[j] < l[j-2]; j -= 2 {
			l[j], l[j+1], l[j-2], l[j-1] = l[j-2], l[j-1], l[j], l[j+1]
		}
	}
	r.rows = append(r.rows, row{offset, len(l), s})
}

func (r *rows) of(x *row) []uint32 { return r.labels[x.offset : x.offset+x.length] }

// sorted returns the series in order, without what is there twice.
func (r *rows) sorted(symbols []string) iter.Seq[Series] {
	slices.SortFunc(r.rows, func(a, b row) int {
		return cmp.Or(slices.Compare(r.of(&a), r.of(&b)), cmp.Compare(a.From, b.From))
	})
	return func(yield func(Series) bool) {
		var builder labels.ScratchBuilder
		var last []uint32
		for i := range r.rows {
			l := r.of(&r.rows[i])
			if slices.Equal(l, last) {
				continue
			}
			last = l
			builder.Reset()
			for i := 0; i < len(l); i += 2 {
				builder.Add(symbols[l[i]], symbols[l[i+1]])
			}
			s := r.rows[i].Series
			s.Labels = builder.Labels()
			if !yield(s) {
				return
			}
		}
	}
}
