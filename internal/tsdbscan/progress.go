package tsdbscan

// advance reports that n series of the metric have been read, counted once for
// each block. Those that are read again do not count. It reports at most a
// thousand times in a scan.
func (w *worker) advance(n int64) {
	more := n - w.counted
	if more <= 0 || w.opts.Progress == nil {
		return
	}
	w.counted = n
	done := w.done.Add(more)
	if done <= w.total && (done == w.total || done*1000/w.total > (done-more)*1000/w.total) {
		w.opts.Progress(done, w.total)
	}
}
