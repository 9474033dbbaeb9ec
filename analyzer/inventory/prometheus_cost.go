package inventory

import (
	"time"

	"github.com/sentei/sentei"
)

// Estimates for blocks on disk: bytes of a sample in a chunk, and what a
// series adds to the index of the blocks of a day (compaction merges the small
// ones) beside its chunks.
const (
	diskBytesPerSample    = 1.7
	diskBytesPerSeriesDay = 150
	secondsPerDay         = 86400
)

// usualLabelBytes is the length of the label text of a series when nothing is
// known about it.
const usualLabelBytes = 200

// cost estimates what the series take. averageBytes is the length of the label
// text of a series where it is not known.
func (j *prometheusJob) cost(interval time.Duration, averageBytes float64) sentei.Cost {
	c := sentei.Cost{
		Series:           j.live,
		SeriesInSpan:     max(j.span, j.live),
		SamplesPerSecond: float64(j.live) / interval.Seconds(),
	}
	labelBytes := j.labelBytes
	if labelBytes == 0 {
		labelBytes = averageBytes
	}
	c.MemoryBytes = sentei.HeadBytes(j.live, float64(j.live)*labelBytes)
	c.DiskBytesPerDay = c.SamplesPerSecond*secondsPerDay*diskBytesPerSample + float64(c.SeriesInSpan)*diskBytesPerSeriesDay
	return c
}

// averageLabelBytes returns the length of the label text of a series: of the
// series that were read, else as far as the head statistics tell.
func (s *prometheusScan) averageLabelBytes() float64 {
	var series, bytes float64
	for _, m := range s.metrics {
		for _, j := range m.jobs {
			if j.labelBytes > 0 {
				series += float64(j.span)
				bytes += float64(j.span) * j.labelBytes
			}
		}
	}
	if series > 0 {
		return bytes / series
	}
	for _, l := range s.head.ValueBytesByLabel {
		bytes += float64(l.Value) + float64(len(l.Name))*float64(s.head.Head.Series)
	}
	if s.head.Head.Series > 0 && len(s.head.ValueBytesByLabel) > 0 {
		// Rare labels are counted with every series: too much, but the list
		// of older servers ends after ten labels: too little.
		return min(bytes/float64(s.head.Head.Series), 2*usualLabelBytes)
	}
	return usualLabelBytes
}
