package querylog

import "io"

// progress counts how much of all files has been read.
type progress struct {
	done, total int64
	report      func(done, total int64)
}

func newProgress(report func(done, total int64), files []*logFile) *progress {
	p := &progress{report: report}
	for _, f := range files {
		if f.f != nil {
			p.total += f.info.Size()
		}
	}
	return p
}

// of returns a reader that counts what is read from r.
func (p *progress) of(r io.Reader) io.Reader {
	if p.report == nil {
		return r
	}
	return &countedReader{r, p}
}

type countedReader struct {
	io.Reader
	*progress
}

// Read implements io.Reader.
func (r *countedReader) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	r.done += int64(n)
	r.report(min(r.done, r.total), r.total)
	return n, err
}
