package sentei

// Verdict says whether known consumers read something.
type Verdict string

// The verdicts. Unknown is not unused: it stands wherever a source that could
// contradict "unused" failed, was cut short or could not be understood.
const (
	Used       Verdict = "used"
	PartlyUsed Verdict = "partly used"
	Unused     Verdict = "unused"
	Unknown    Verdict = "unknown"
)

// Verdicts lists every verdict, in the order in which reports show them.
func Verdicts() []Verdict { return []Verdict{Used, PartlyUsed, Unused, Unknown} }

// Usage is a verdict with its evidence.
type Usage struct {
	Verdict Verdict `json:"verdict"`
	// Readers are the identifiers of the consumers that read it and reach a
	// root, sorted.
	Readers []string `json:"readers,omitempty"`
	// DeadReaders are recording rules that read it, but whose output reaches
	// no root, sorted.
	DeadReaders []string `json:"dead_readers,omitempty"`
	// Reasons says for an unknown verdict what stands in the way.
	Reasons []string `json:"reasons,omitempty"`
}

// JobUsage is the verdict for one metric in one job, and for its labels.
type JobUsage struct {
	Usage
	// Labels are the verdicts for the labels that the inventory lists, in the
	// same order. It is nil when nobody reads the metric: then its verdict is
	// that of every label.
	Labels []LabelUsage `json:"labels,omitempty"`
}

// LabelUsage is the verdict for one label of a metric in one job. It is used
// when it can change the result of some consumer.
type LabelUsage struct {
	Name    string  `json:"name"`
	Verdict Verdict `json:"verdict"`
	// Readers are the identifiers of the consumers that need it, sorted.
	Readers []string `json:"readers,omitempty"`
	// UnusedValues are stored values of which every reader of the metric says
	// in its matchers that it does not want them, sorted. UnusedValueSeries is
	// the number of series that have them. Both are empty while something
	// makes the usage unknown.
	UnusedValues      []string `json:"unused_values,omitempty"`
	UnusedValueSeries int64    `json:"unused_value_series,omitempty"`
}

// UsageData is what one usage source found.
type UsageData struct {
	Consumers []Consumer
	// Window is set by sources whose evidence has an age (query logs): the
	// time between the first and the last entry. Zero for the others, whose
	// evidence is the present state.
	Window Window
	// Gaps are the spans inside Window in which no entry stands, each longer
	// than an hour, sorted.
	Gaps []Window
	// Problems are the parts that could not be read.
	Problems []Problem
}
