package walscan

import (
	"math"
	"time"
)

const (
	// wholeWindow is the time before the end of the head in which every sample
	// is read.
	wholeWindow = 6 * time.Minute
	// thinWindow is how long before that records of one group are skipped
	// after one that was read.
	thinWindow = 5 * time.Minute
	// maxInterval is the longest interval at which records of a group are
	// skipped. A series that is silent for three of them is gone anyway.
	maxInterval = 100 * time.Second
	// youngRecords is how many records of samples are read for sure after one
	// of new series. The samples of these are there or soon after.
	youngRecords = 4
)

// groups decide which records of samples need not be read.
//
// Prometheus writes the samples of a scrape, or of an evaluation of a rule, as
// one record. The records of one target begin with the same series, and as long
// as they have the same length they hold the same series: samples of one time
// take as many bytes whatever the values are. Where a record differs, or came
// late, it is read.
type groups struct {
	byRef map[uint64]*group // by the series of the first sample
	whole int64             // time from which on all records are read

	young   int    // records that are still read for sure
	skipped uint32 // so many records have been
	current *group // of the record that is read
	// standsFor is how many skipped ones the current one stands for. They are
	// in the window of RateWindow of the one that was read before.
	standsFor uint32
}

// group is what is known of the records that begin with a series.
type group struct {
	size    int   // of the last one that was read; 0 when it has to be read
	read    int64 // its time
	seen    int64 // the time of the last one
	skipped uint32
}

// skip reports whether a record that has so many bytes may be skipped. It is
// called with every record.
func (g *groups) skip(p peeked, size int) bool {
	x := g.byRef[p.ref]
	if x == nil {
		x = &group{}
		g.byRef[p.ref] = x
	}
	interval := p.time - x.seen
	x.seen = p.time
	if g.young == 0 && size == x.size && p.time < g.whole &&
		p.time-x.read < thinWindow.Milliseconds() && window(p.time) == window(x.read) &&
		interval > 0 && interval <= maxInterval.Milliseconds() {
		x.skipped++
		g.skipped++
		return true
	}
	g.young = max(0, g.young-1)
	g.current, g.standsFor = x, x.skipped
	*x = group{size: size, read: p.time, seen: p.time}
	return false
}

// lost is called when a sample of the current record has no series. Then those
// that follow are read, too.
func (g *groups) lost() {
	if g.current != nil {
		g.current.size = 0
	}
}

// wholeFrom returns from which time on all samples are read, in a log that ends
// about then.
func wholeFrom(end int64) int64 {
	if window := wholeWindow.Milliseconds(); end >= math.MinInt64+window {
		return end - window
	}
	return math.MinInt64
}
