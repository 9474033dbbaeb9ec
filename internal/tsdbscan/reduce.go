package tsdbscan

import (
	"cmp"
	"math/bits"
	"slices"

	"github.com/sentei/sentei"
)

// maxSteps is the number of reductions that are searched for a job.
const maxSteps = 5

// effort bounds the work for one job, counted in series and changes looked at.
type effort struct{ left int }

// newEffort returns the bound for n series: about a microsecond for each, more
// where there are few.
func newEffort(n int) *effort { return &effort{1<<18 + 256*n} }

// spend returns false when nothing is left.
func (e *effort) spend(n int) bool {
	e.left -= n
	return e.left >= 0
}

// reducer has memory to use again.
type reducer struct {
	rows  []uint64
	slots []uint32
	place []uint32
}

// reduction is what removing some classes leaves.
type reduction struct {
	classes []int
	labels  []int // places in the labels of the job, ascending
	all     int64
	live    int64
}

func (r *reduction) compare(o *reduction) int {
	return cmp.Or(
		cmp.Compare(r.live, o.live), cmp.Compare(r.all, o.all),
		cmp.Compare(len(r.labels), len(o.labels)), slices.Compare(r.labels, o.labels),
	)
}

// reduce fills in which labels of a job determine each other, and which are
// best removed. It spoils the sums of the series.
//
// A label that another one determines merges nothing as long as that one
// stays. So what can merge series is a class of labels together with all
// classes that determine it, which is one candidate for each class. What
// determines what stays the same when labels are removed.
func (w *worker) reduce(j *job, s *sentei.JobMetric) {
	if !w.recorder.on {
		return
	}
	t, e := w.table(j), newEffort(int(j.series))
	classes, ok := w.depends(j, s, t, e)
	if !ok {
		return
	}
	writeDepends(classes, s.Labels)
	s.Reductions = []sentei.Reduction{}
	for _, c := range classes { // one label of each class tells the series apart
		for _, i := range c.labels[1:] {
			w.subtract(t.rows, t.logs[i], j.labels[i].name)
		}
	}
	alive := make([]bool, len(classes))
	for i := range alive {
		alive[i] = true
	}
	now := reduction{all: j.series, live: j.live}
	for step := range maxSteps {
		var best *reduction
		for i := range classes {
			if !alive[i] {
				continue
			}
			r := candidate(classes, alive, i)
			if step == 0 && len(r.labels) == 1 {
				l := &s.Labels[r.labels[0]]
				r.all, r.live = l.SeriesWithout, l.SeriesWithoutLive
			} else {
				if !w.count(j, t, classes, r, e) {
					if step == 0 {
						s.Reductions = nil
					}
					return
				}
			}
			if best == nil || r.compare(best) < 0 {
				best = r
			}
		}
		if best == nil || best.all == now.all && best.live == now.live {
			return
		}
		now = *best
		found := sentei.Reduction{SeriesWithout: best.all, SeriesWithoutLive: best.live}
		for _, i := range best.labels {
			found.Labels = append(found.Labels, s.Labels[i].Name)
		}
		s.Reductions = append(s.Reductions, found)
		for _, i := range best.classes {
			alive[i] = false
		}
		if best.all == 1 || step == maxSteps-1 {
			return
		}
		t.rows = w.remove(j, t.rows, classes, alive, best)
	}
}

// writeDepends fills in DeterminedBy.
func writeDepends(classes []class, labels []sentei.LabelStats) {
	for i := range labels {
		labels[i].DeterminedBy = []string{}
	}
	for _, c := range classes {
		for _, i := range c.labels {
			var by []int
			for _, k := range c.labels {
				if k != i {
					by = append(by, k)
				}
			}
			for _, k := range c.by {
				by = append(by, classes[k].labels...)
			}
			slices.Sort(by)
			for _, k := range by {
				labels[i].DeterminedBy = append(labels[i].DeterminedBy, labels[k].Name)
			}
		}
	}
}

// candidate is a class with all that determine it.
func candidate(classes []class, alive []bool, i int) *reduction {
	r := &reduction{classes: []int{i}}
	for _, k := range classes[i].by {
		if alive[k] {
			r.classes = append(r.classes, k)
		}
	}
	for _, k := range r.classes {
		r.labels = append(r.labels, classes[k].labels...)
	}
	slices.Sort(r.labels)
	return r
}

// without returns the sums of the series without the classes. They are valid
// until the next call.
func (w *worker) without(j *job, rows []uint64, classes []class, r *reduction) []uint64 {
	sums := append(w.reducer.rows[:0], rows...)
	w.reducer.rows = sums
	for _, k := range r.classes {
		w.subtract(sums, classes[k].log, j.labels[classes[k].labels[0]].name)
	}
	return sums
}

// subtract takes a label out of the sums.
func (w *worker) subtract(sums []uint64, log []change, name uint32) {
	for i, c := range log[:len(log)-1] {
		if c.value == noValue {
			continue
		}
		hash := w.hash(name, c.value)
		for n := c.row; n < log[i+1].row; n++ {
			sums[n] -= hash
		}
	}
}

// count fills in what the reduction leaves.
func (w *worker) count(j *job, t table, classes []class, r *reduction, e *effort) bool {
	work := 2 * len(t.rows)
	for _, k := range r.classes {
		work += len(t.rows)/4 + len(classes[k].log)
	}
	if !e.spend(work) {
		return false
	}
	m := w.distinct.count([]run{{}}, w.without(j, t.rows, classes, r))
	r.all, r.live = int64(m.all), int64(m.live)
	return true
}

// remove returns the series that the reduction leaves, each of them once, and
// makes the changes of the other classes refer to them.
func (w *worker) remove(j *job, rows []uint64, classes []class, alive []bool, r *reduction) []uint64 {
	f := &w.reducer
	sums := w.without(j, rows, classes, r)
	f.slots = resize(f.slots, 1<<bits.Len(uint(len(sums)+len(sums)/2)))
	clear(f.slots)
	f.place = resize(f.place, len(sums)+1) // of the series among those that are left
	left := rows[:0]
	for n, sum := range sums {
		f.place[n] = uint32(len(left))
		at := int(sum>>1) & (len(f.slots) - 1)
		for f.slots[at] != 0 && left[f.slots[at]-1]^sum > 1 {
			at = (at + 1) & (len(f.slots) - 1)
		}
		if f.slots[at] != 0 {
			left[f.slots[at]-1] |= sum & 1
			continue
		}
		left = append(left, sum)
		f.slots[at] = uint32(len(left))
	}
	f.place[len(sums)] = uint32(len(left))
	for i := range classes {
		if !alive[i] {
			continue
		}
		log := classes[i].log
		kept := log[:0]
		for k, c := range log[:len(log)-1] {
			if at := f.place[c.row]; at < f.place[log[k+1].row] &&
				(len(kept) == 0 || kept[len(kept)-1].value != c.value) {
				kept = append(kept, change{at, c.value})
			}
		}
		classes[i].log = append(kept, change{uint32(len(left)), noValue})
	}
	return left
}
