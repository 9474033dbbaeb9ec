package tsdbscan

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/prometheus/common/model"
)

// Overview is what the index of one block tells without a look at its series:
// some milliseconds of work for a million of them.
type Overview struct {
	Series int64
	// Metrics is the number of series of each metric, most series first, ties
	// by name.
	Metrics []Count
	// Labels is the number of distinct values of each label, __name__
	// included, most values first, ties by name.
	Labels []Count
}

// Count is how many there are of something that has a name.
type Count struct {
	Name  string
	Count int64
}

// ReadOverview reads the table of the postings lists of a block. An error is a
// *BlockError.
func ReadOverview(b *Block) (*Overview, error) {
	x, err := openIndex(b.Dir)
	if err != nil {
		return nil, &BlockError{b, err}
	}
	defer x.close()
	o, err := x.overview()
	if err != nil {
		return nil, &BlockError{b, fmt.Errorf("read postings offset table: %w", err)}
	}
	return o, nil
}

func (x *indexFile) overview() (*Overview, error) {
	o := &Overview{}
	var failed error
	err := x.eachPostings(func(name, value []byte, off int64) bool {
		n := len(o.Labels)
		switch {
		case len(name) == 0:
			o.Series, failed = x.seriesIn(off)
			return failed == nil
		case n > 0 && o.Labels[n-1].Name == string(name):
			o.Labels[n-1].Count++
		default:
			o.Labels = append(o.Labels, Count{string(name), 1})
		}
		if string(name) == model.MetricNameLabel {
			m := Count{Name: string(value)}
			m.Count, failed = x.seriesIn(off)
			o.Metrics = append(o.Metrics, m)
		}
		return failed == nil
	})
	if failed != nil {
		return nil, failed
	}
	if err != nil {
		return nil, err
	}
	for _, counts := range [][]Count{o.Metrics, o.Labels} {
		slices.SortFunc(counts, func(a, b Count) int {
			return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name))
		})
	}
	return o, nil
}

func (x *indexFile) seriesIn(off int64) (int64, error) {
	n, err := x.postingsCount(off)
	return int64(n), err
}
