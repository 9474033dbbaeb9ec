package tsdbscan

import "math"

// change is a series of a part, or of a job, at which a label gets another
// value. Neighbours share most values, so the changes of a label are far fewer
// than the series.
type change struct{ row, value uint32 }

const (
	// noValue is the value of a label that a series does not have.
	noValue = math.MaxUint32
	// maxChanges is how many changes of one metric are kept at most: 64 MiB.
	maxChanges = 8 << 20
)

// recorder keeps the values of all labels of one metric.
type recorder struct {
	on    bool
	count int          // changes of the metric
	logs  [][][]change // of all parts, memory to use again
	used  int          // of logs
}

// start begins with a metric of n series. It lets go of memory that is out of
// proportion to them.
func (c *recorder) start(on bool, n int) {
	kept := 0
	for _, log := range c.logs {
		kept += cap(log)
		for _, l := range log {
			kept += cap(l)
		}
	}
	if kept > 1<<17+16*n {
		c.logs = nil
	}
	c.on, c.count, c.used = on, 0, 0
}

// log returns memory for the changes of a part with n labels, nil when they
// are not wanted.
func (c *recorder) log(n int) [][]change {
	if !c.on {
		return nil
	}
	if c.used == len(c.logs) {
		c.logs = append(c.logs, make([][]change, n))
		const usual = 4
		room := make([]change, usual*n)
		for i := range n {
			c.logs[c.used][i] = room[usual*i:][:0:usual]
		}
	}
	log := resize(c.logs[c.used], n)
	for i := range log {
		log[i] = log[i][:0]
	}
	c.logs[c.used] = log
	c.used++
	return log
}

// record keeps the values of series n of the part, of which these labels are
// not as in the one before, or any if it is the first.
func (w *worker) record(p *part, n uint32, values []uint32, changed []int32) {
	if n == 0 {
		for i, v := range values {
			p.log[i] = append(p.log[i], change{0, v})
		}
		w.recorder.count += len(values)
	} else {
		for _, i := range changed {
			p.log[i] = append(p.log[i], change{n, values[i]})
		}
		w.recorder.count += len(changed)
	}
	if w.recorder.count > maxChanges {
		w.recorder.on = false
		for _, p := range w.parts {
			p.log = nil
		}
	}
}

// table is all series of one job: their sums, and for each label the changes,
// the first at series 0 and the last at the end, where there is no series.
type table struct {
	rows []uint64
	logs [][]change
}

// table puts the parts of a job together. It takes their memory.
func (w *worker) table(j *job) table {
	first := j.parts[0]
	t := table{rows: first.rows, logs: make([][]change, len(j.labels))}
	for k, p := range j.parts {
		n := uint32(len(t.rows))
		if k == 0 {
			n = 0
		} else {
			t.rows = append(t.rows, p.rows...)
		}
		at := 0 // in the labels of the part
		for i, l := range j.labels {
			for at < len(p.columns) && (p.columns[at].label == nil || p.columns[at].name < l.name) {
				at++
			}
			log := t.logs[i]
			switch {
			case at == len(p.columns) || p.columns[at].label != l:
				if len(log) == 0 || log[len(log)-1].value != noValue {
					log = append(log, change{n, noValue})
				}
			case k == 0:
				log = p.log[at]
			default:
				for _, c := range p.log[at] {
					log = append(log, change{n + c.row, c.value})
				}
			}
			t.logs[i] = log
		}
	}
	for i := range t.logs {
		t.logs[i] = append(t.logs[i], change{uint32(len(t.rows)), noValue})
	}
	first.rows = t.rows // grown, for the next metric
	return t
}
