package tsdbscan

import (
	"cmp"
	"slices"

	"github.com/sentei/sentei"
)

// class is labels that determine each other: series with the same value of one
// have the same value of each. Most classes are one label.
type class struct {
	labels   []int    // places in the labels of the job, ascending
	log      []change // of the first
	distinct int64    // values, and not to have it if that occurs
	// by are the places of the classes that determine this one.
	by []int
}

// depends finds the classes of the labels that do not have the same value on
// all series of the job, sorted by the number of values. It returns false when
// that takes too much work.
//
// A label can only determine one that has at most as many values. If it has as
// many, each determines the other.
func (w *worker) depends(j *job, s *sentei.JobMetric, t table, effort *effort) ([]class, bool) {
	var all []class
	for i := range s.Labels {
		c := class{labels: []int{i}, log: t.logs[i], distinct: s.Labels[i].Distinct}
		if s.Labels[i].Series < j.series {
			c.distinct++
		}
		if c.distinct > 1 {
			all = append(all, c)
		}
	}
	if !effort.spend(len(all) * len(all)) {
		return nil, false
	}
	slices.SortStableFunc(all, func(a, b class) int { return cmp.Compare(a.distinct, b.distinct) })
	var classes []class
	var known []bool // whether the label determines the class
	for _, c := range all {
		known = append(known[:0], make([]bool, len(classes))...)
		same := -1
		for i := len(classes) - 1; i >= 0 && same < 0; i-- {
			if known[i] {
				continue
			}
			yes, ok := w.determines(c.log, classes[i].log, effort)
			if !ok {
				return nil, false
			}
			switch {
			case !yes:
			case classes[i].distinct == c.distinct:
				same = i
			default:
				known[i] = true
				for k := range i {
					known[k] = known[k] || slices.Contains(classes[k].by, i)
				}
			}
		}
		if same >= 0 {
			classes[same].labels = append(classes[same].labels, c.labels...)
			slices.Sort(classes[same].labels)
			continue
		}
		for i, yes := range known {
			if yes {
				classes[i].by = append(classes[i].by, len(classes))
			}
		}
		classes = append(classes, c)
	}
	return classes, true
}

// image says which value of another label goes with a value.
type image struct {
	of   []uint64 // for each value: the round in the upper half, the other in the lower
	none uint64   // the same for noValue
	turn uint32
}

// reset forgets what is known. There are n values.
func (m *image) reset(n int) {
	m.none = 0
	if m.turn++; m.turn == 0 || len(m.of) != n {
		m.of, m.turn = make([]uint64, n), 1
	}
}

// determines reports whether series with the same value in a have the same in
// b.
func (w *worker) determines(a, b []change, effort *effort) (yes, ok bool) {
	w.image.reset(len(w.end))
	i, k := 0, 0
	for end := a[len(a)-1].row; ; {
		from, to := a[i].value, uint64(w.image.turn)<<32|uint64(b[k].value)
		known := &w.image.none
		if from != noValue {
			known = &w.image.of[from]
		}
		if *known>>32 != to>>32 {
			*known = to
		} else if *known != to {
			break
		}
		next, other := a[i+1].row, b[k+1].row
		if next == end && other == end {
			yes = true
			break
		}
		if next <= other {
			i++
		}
		if other <= next {
			k++
		}
	}
	return yes, effort.spend(i + k + 1)
}
