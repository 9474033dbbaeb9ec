package sentei

import (
	"math"
	"slices"
)

// Cost is what storing something takes.
type Cost struct {
	// Series is the number of active series: those that still received
	// samples at the end of the inventory's span.
	Series int64 `json:"series"`
	// SeriesInSpan is the number of distinct series in the whole span; the
	// difference to Series is churn.
	SeriesInSpan int64 `json:"series_in_span"`
	// SamplesPerSecond is the ingestion rate at the end of the span.
	SamplesPerSecond float64 `json:"samples_per_second"`
	// ChurnPerHour is the number of series created per hour after the start
	// of the span.
	ChurnPerHour float64 `json:"churn_per_hour"`
	// EndedPerHour is the number of series per hour of the span that received
	// no samples any more at its end.
	EndedPerHour float64 `json:"ended_per_hour"`
	// MemoryBytes is the estimated head memory of the active series.
	MemoryBytes float64 `json:"memory_bytes"`
	// DiskBytesPerDay is the estimated growth of blocks, index and chunks.
	DiskBytesPerDay float64 `json:"disk_bytes_per_day"`
}

// NewSeriesPerDay is ChurnPerHour over a day, rounded.
func (c Cost) NewSeriesPerDay() int64 { return int64(math.Round(24 * c.ChurnPerHour)) }

// Plus returns the sum of both costs. Only costs of disjoint sets of series
// may be added.
func (c Cost) Plus(o Cost) Cost {
	return Cost{
		Series:           c.Series + o.Series,
		SeriesInSpan:     c.SeriesInSpan + o.SeriesInSpan,
		SamplesPerSecond: c.SamplesPerSecond + o.SamplesPerSecond,
		ChurnPerHour:     c.ChurnPerHour + o.ChurnPerHour,
		EndedPerHour:     c.EndedPerHour + o.EndedPerHour,
		MemoryBytes:      c.MemoryBytes + o.MemoryBytes,
		DiskBytesPerDay:  c.DiskBytesPerDay + o.DiskBytesPerDay,
	}
}

// Part returns the cost of some of the series: live of the active ones and
// inSpan of those in the span. What is not counted per series, such as bytes,
// is taken as equal for all of them.
func (c Cost) Part(live, inSpan int64) Cost {
	share := func(part, whole int64) float64 {
		if whole == 0 {
			return 0
		}
		return float64(part) / float64(whole)
	}
	now, ever := share(live, c.Series), share(inSpan, c.SeriesInSpan)
	return Cost{
		Series:           live,
		SeriesInSpan:     inSpan,
		SamplesPerSecond: c.SamplesPerSecond * now,
		ChurnPerHour:     c.ChurnPerHour * ever,
		EndedPerHour:     c.EndedPerHour * share(inSpan-live, c.SeriesInSpan-c.Series),
		MemoryBytes:      c.MemoryBytes * now,
		DiskBytesPerDay:  c.DiskBytesPerDay * ever,
	}
}

// Estimates reports whether the part of the numbers, by its name in JSON, is an
// estimate in the backend.
func (r *Report) Estimates(backend, part string) bool {
	return slices.ContainsFunc(r.Backends, func(b Backend) bool { return b.Name == backend && slices.Contains(b.Estimated, part) })
}

// Created returns how many series the cost says were created per hour, or false
// when the sources of the backend do not tell.
func (r *Report) Created(backend string, c Cost) (perHour float64, known bool) {
	return c.ChurnPerHour, c.ChurnPerHour != 0 || !r.Estimates(backend, "churn_per_hour")
}

// Ended is Created for the series that ended.
func (r *Report) Ended(backend string, c Cost) (perHour float64, known bool) {
	return c.EndedPerHour, c.EndedPerHour != 0 || !r.Estimates(backend, "ended_per_hour")
}

// SecondsPerMonth is the length of the month of 30 days that prices refer to.
const SecondsPerMonth = 30 * 24 * 3600

const (
	gibibyte = 1 << 30
	million  = 1e6
)

// Prices turns a Cost into money. Every part that is zero costs nothing, so
// one type serves bills per active series (Grafana Cloud), per sample (AMP,
// GMP, Azure) and per machine (self-hosted).
type Prices struct {
	Currency string `yaml:"currency" json:"currency"`
	// PerThousandSeries is the price of 1000 active series for a month.
	PerThousandSeries float64 `yaml:"per_thousand_series" json:"per_thousand_series"`
	// PerMillionSamples is the price of a million ingested samples.
	PerMillionSamples float64 `yaml:"per_million_samples" json:"per_million_samples"`
	// PerGiBMemory is the price of a GiB of memory for a month.
	PerGiBMemory float64 `yaml:"per_gib_memory" json:"per_gib_memory"`
	// MemoryFactor multiplies the estimated head memory: garbage collection,
	// caches and replicas. 1 when zero.
	MemoryFactor float64 `yaml:"memory_factor" json:"memory_factor"`
	// PerGiBDisk is the price of a GiB of disk or object storage for a month.
	PerGiBDisk float64 `yaml:"per_gib_disk" json:"per_gib_disk"`
	// RetentionDays is how long blocks are kept.
	RetentionDays float64 `yaml:"retention_days" json:"retention_days"`
}

// Set reports whether anything has a price.
func (p Prices) Set() bool {
	return p.PerThousandSeries != 0 || p.PerMillionSamples != 0 || p.PerGiBMemory != 0 || p.PerGiBDisk != 0
}

// PerMonth returns what the cost amounts to in a month of 30 days, in
// p.Currency.
func (p Prices) PerMonth(c Cost) float64 {
	factor := p.MemoryFactor
	if factor == 0 {
		factor = 1
	}
	return float64(c.Series)/1000*p.PerThousandSeries +
		c.SamplesPerSecond*SecondsPerMonth/million*p.PerMillionSamples +
		c.MemoryBytes*factor/gibibyte*p.PerGiBMemory +
		c.DiskBytesPerDay*p.RetentionDays/gibibyte*p.PerGiBDisk
}

// Budget is what a backend may hold and cost. Parts that are zero are not
// limited.
type Budget struct {
	// Series is the highest number of active series.
	Series int64 `yaml:"series" json:"series,omitempty"`
	// PerMonth is the highest amount of money, in Prices.Currency.
	PerMonth float64 `yaml:"per_month" json:"per_month,omitempty"`
}

// Estimates of head memory, measured on live heaps: about 700 bytes for a
// series, 1.65 bytes for each byte of label text, and an open chunk.
const (
	headBytesPerSeries    = 700
	headBytesPerLabelByte = 1.65
	headBytesOpenChunk    = 350
)

// HeadBytes estimates the memory that active series take in a head block.
// labelBytes is the length of all label names and values of all of them.
func HeadBytes(series int64, labelBytes float64) float64 {
	return float64(series)*(headBytesPerSeries+headBytesOpenChunk) + headBytesPerLabelByte*labelBytes
}
