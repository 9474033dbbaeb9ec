package tsdbscan

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/prometheus/common/model"
)

// Overview is what the index of one block tells without a look at its series:
// some milliseconds of work for a million of them.
type Overview struct {
	Series int64
	// LabelPairs is the number of distinct label pairs, Entries how many labels
	// all series have together; both with __name__.
	LabelPairs, Entries int64
	// Metrics is the number of series of each metric, most series first, ties
	// by name.
	Metrics []Count
	// Labels are the label names, __name__ included, most values first, ties by
	// name.
	Labels []LabelCount
	// Pairs are the label pairs with most series, ties by name and value. They
	// are without __name__, whose values are the metrics.
	Pairs []PairCount
}

// Count is how many series a metric has.
type Count struct {
	Name  string
	Count int64
}

// LabelCount is what there is of one label name.
type LabelCount struct {
	Name   string
	Values int64 // distinct ones
	Bytes  int64 // length of the distinct values together
	Series int64 // that have the label
}

// PairCount is how many series have a label with a value.
type PairCount struct {
	Name, Value string
	Series      int64
}

// ReadOverview reads the table of the postings lists of a block. It keeps the
// top label pairs, all when top is 0. An error is a *BlockError.
func ReadOverview(b *Block, top int) (*Overview, error) {
	x, err := openIndex(b.Dir)
	if err != nil {
		return nil, &BlockError{b, err}
	}
	defer x.close()
	o, err := x.overview(top, top == 0 || x.v1)
	if errors.Is(err, errGap) {
		o, err = x.overview(top, true)
	}
	if err != nil {
		return nil, &BlockError{b, fmt.Errorf("read postings offset table: %w", err)}
	}
	return o, nil
}

// errGap says that a postings list does not begin where the one before ends.
var errGap = errors.New("the postings lists do not follow each other")

// overview builds an Overview from the postings offset table.
//
// Prometheus writes one list after the other in the order of the table, so the
// length of a list is known from where the next one begins. It is read as well
// for every metric and every pair that is shown; where the two differ, errGap is
// returned, and each asks to read the length of every list.
func (x *indexFile) overview(top int, each bool) (*Overview, error) {
	w := overviewer{index: x, top: top, each: each, off: -1}
	var failed error
	err := x.eachPostings(func(name, value []byte, off int64) bool {
		if w.off >= 0 {
			failed = w.add(off)
		}
		if failed == nil && string(name) < string(w.name) {
			failed = fmt.Errorf("it is not sorted at %q", name)
		}
		w.name, w.value, w.off = append(w.name[:0], name...), append(w.value[:0], value...), off
		return failed == nil
	})
	if failed == nil && err == nil && w.off >= 0 {
		failed = w.add(-1)
	}
	if failed != nil {
		return nil, failed
	}
	if err != nil {
		return nil, err
	}
	for _, p := range w.pairs {
		n, err := x.postingsCount(p.off)
		if err != nil {
			return nil, err
		}
		if int64(n) != p.Series {
			return nil, errGap
		}
	}
	return w.finish(), nil
}

// overviewer walks the table. An entry is counted when the next one is known.
type overviewer struct {
	Overview
	index *indexFile
	top   int
	each  bool
	pairs []pairAt

	name, value []byte
	off         int64 // -1 before the first entry
}

type pairAt struct {
	PairCount
	off int64
}

// add counts the entry, whose list ends at next, or nobody knows where if next
// is -1.
func (w *overviewer) add(next int64) error {
	const header = 4 + 4 // length, number of series
	metric := string(w.name) == model.MetricNameLabel
	n := (next - w.off - header - crcLength) / 4
	if w.each || next < 0 || metric || len(w.name) == 0 {
		count, err := w.index.postingsCount(w.off)
		if err != nil {
			return err
		}
		if !w.each && next >= 0 && (n != int64(count) || (next-w.off)%4 != 0) {
			return errGap
		}
		n = int64(count)
	}
	if n < 0 {
		return errGap
	}
	if len(w.name) == 0 {
		w.Series = n
		return nil
	}
	w.LabelPairs++
	w.Entries += n
	if i := len(w.Labels); i == 0 || w.Labels[i-1].Name != string(w.name) {
		w.Labels = append(w.Labels, LabelCount{Name: string(w.name)})
	}
	l := &w.Labels[len(w.Labels)-1]
	l.Values++
	l.Bytes += int64(len(w.value))
	l.Series += n
	if metric {
		w.Metrics = append(w.Metrics, Count{string(w.value), n})
	} else {
		w.keep(n)
	}
	return nil
}

// keep keeps the pair if it is one of the top. Of equal ones the first stays.
func (w *overviewer) keep(n int64) {
	full := w.top > 0 && len(w.pairs) == w.top
	if full && n <= w.pairs[w.top-1].Series {
		return
	}
	p := pairAt{PairCount{string(w.name), string(w.value), n}, w.off}
	if w.top == 0 {
		w.pairs = append(w.pairs, p) // finish sorts them
		return
	}
	if full {
		w.pairs = w.pairs[:w.top-1]
	}
	i, _ := slices.BinarySearchFunc(w.pairs, n, func(p pairAt, n int64) int {
		if p.Series >= n {
			return -1
		}
		return 1
	})
	w.pairs = slices.Insert(w.pairs, i, p)
}

func (w *overviewer) finish() *Overview {
	slices.SortFunc(w.Metrics, func(a, b Count) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name))
	})
	slices.SortFunc(w.Labels, func(a, b LabelCount) int {
		return cmp.Or(cmp.Compare(b.Values, a.Values), cmp.Compare(a.Name, b.Name))
	})
	slices.SortStableFunc(w.pairs, func(a, b pairAt) int { return cmp.Compare(b.Series, a.Series) })
	for _, p := range w.pairs {
		w.Pairs = append(w.Pairs, p.PairCount)
	}
	return &w.Overview
}
