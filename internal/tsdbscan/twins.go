package tsdbscan

import (
	"hash/maphash"
	"slices"
)

// A target mostly exposes several metrics with the same labels: those of its
// memory, say, or the sums and counts of its histograms. Two metrics of a block
// are twins when their series are the same, one after the other, but for the
// name, and the same of them are live. Then all that can be told of their labels
// is the same, too, and is worked out for one of them, the original. Of the
// other one only what a series costs is read. A third of the series of real
// servers are in such metrics.

// original is a metric whose twins may follow.
type original struct {
	*task
	key uint64 // of its first series, see twinLoop.probe
	// rows has for each series its part and, in the lowest tailBits, the size
	// of its labels after the name.
	rows []uint32
	// sums are of all series so far, taken after every twinBatch of them and
	// after the last one.
	sums  []uint64
	sum   uint64
	jobs  []int  // for each part which of found.jobs it belongs to
	found *found // nil when it can have no twin
}

const (
	tailBits  = 12
	twinBatch = 64
	// Originals are kept as long as there are few of them, or few series. At
	// most a few are followed for one metric: those that only begin like it would
	// cost more than is saved.
	fewOriginals    = 4
	fewOriginalRows = 1 << 16
	maxOriginals    = 256
)

// twins keeps the originals of one number of series. Its memory is used again.
type twins struct {
	hasher
	seed  maphash.Seed
	all   []*original
	used  int
	count int   // series of each
	jobs  []job // of the twin that is read
}

func newTwins(h hasher) twins { return twins{hasher: h, seed: maphash.MakeSeed()} }

// start forgets the originals that cannot be those of the metric.
func (w *twins) start(t *task) {
	if w.count != t.count {
		w.used, w.count = 0, t.count
	}
}

// find returns the originals that the metric may be a twin of, the latest first:
// the names of twins are mostly neighbours.
func (w *twins) find(t *task, key uint64) []*original {
	var found []*original
	for _, o := range slices.Backward(w.all[:w.used]) {
		if o.found != nil && o.key == key && o.reduce == t.reduce && o.lists[0].block == t.lists[0].block &&
			isBuckets(o.name) == isBuckets(t.name) {
			if found = append(found, o); len(found) == fewOriginals {
				break
			}
		}
	}
	return found
}

// add returns an original to fill in, or nil when there are enough.
func (w *twins) add(t *task, key uint64) *original {
	if w.used == maxOriginals || w.used >= fewOriginals && w.used*t.count > fewOriginalRows {
		return nil
	}
	if w.used == len(w.all) {
		w.all = append(w.all, &original{})
	}
	o := w.all[w.used]
	w.used++
	*o = original{task: t, key: key, rows: slices.Grow(o.rows[:0], t.count), sums: o.sums[:0], jobs: o.jobs[:0]}
	return o
}

// next goes on with the sum of a sequence of series. n is the number of labels,
// tail are those after the name.
func (w *twins) next(sum uint64, n byte, tail []byte, live uint64) uint64 {
	return w.scatter(sum + maphash.Bytes(w.seed, tail) + uint64(n)<<1 + live)
}

// record adds a series of the part. It returns false when the metric can have
// no twin.
func (o *original) record(w *twins, n int, tail []byte, part int, live uint64) bool {
	if n >= 0x80 || len(tail) >= 1<<tailBits || part >= 1<<(32-tailBits) {
		return false
	}
	o.rows = append(o.rows, uint32(part)<<tailBits|uint32(len(tail)))
	o.sum = w.next(o.sum, byte(n), tail, live)
	if len(o.rows)%twinBatch == 0 || len(o.rows) == o.count {
		o.sums = append(o.sums, o.sum)
	}
	return true
}

// finish keeps what has been found out, and which part belongs to which job.
func (o *original) finish(parts []*part, f *found) {
	if len(o.rows) != o.count { // somebody writes to the file
		return
	}
	for _, p := range parts {
		o.jobs = append(o.jobs, p.owner.place)
	}
	o.found = f
}

// twin fills in what is found of a twin, as far as it is as in the original.
// The jobs have what has been counted of it. Both share the labels.
func (o *original) twin(t *task, jobs []job, f *found) {
	f.jobs, f.facts = slices.Clone(o.found.jobs), make([]jobFacts, len(jobs))
	f.lists, f.values = o.found.lists, o.found.values
	for i := range jobs {
		j, s := &jobs[i], &f.jobs[i]
		var bounds []string
		if s.Histogram != nil {
			bounds = s.Histogram.Bounds
		}
		s.Histogram = newHistogram(bounds, j.native)
		f.facts[i] = j.facts()
		f.facts[i].labelBytes = o.found.facts[i].labelBytes + j.live*int64(len(t.name)-len(o.name))
	}
}

// markTwins marks the metrics that may be twins. The tasks are sorted by how
// many series they have.
func (s *scan) markTwins(tasks []task) {
	may := func(t *task) bool { return len(t.lists) == 1 && t.lists[0].block < len(s.indexes) && t.id != noName }
	for i := 1; i < len(tasks); i++ {
		if a, b := &tasks[i-1], &tasks[i]; a.count == b.count && may(a) && may(b) {
			a.twins, b.twins = true, true
		}
	}
}

// shares divides the tasks among the workers. Those that may be twins stay
// together as long as that leaves enough shares.
func (s *scan) shares(tasks []task, todo []int) [][]int {
	most := s.total / int64(8*s.opts.Workers) // series
	var shares [][]int
	var last *task
	series := int64(0) // of the last share
	for _, i := range todo {
		t := &tasks[i]
		series += int64(t.count)
		if last == nil || !t.twins || t.count != last.count || series > most {
			shares, series = append(shares, nil), int64(t.count)
		}
		shares[len(shares)-1] = append(shares[len(shares)-1], i)
		last = t
	}
	return shares
}
