package rehearsal

import (
	"time"

	"github.com/sentei/sentei"
)

// Status is how a consumer fared.
type Status string

// The ways in which consumers fare.
const (
	// Same: no replay differed.
	Same Status = "same"
	// Within: read from an aggregate, values are off by no more than its
	// tolerance; Result.Errors says how far.
	Within Status = "within tolerance"
	// Differs: a replay differed, and did so because of a change. Of an
	// aggregate: by more than its tolerance.
	Differs Status = "differs"
	// Unstable: the consumer gives other results on the same data, so that
	// nothing can be said about it.
	Unstable Status = "unstable"
	// NotRehearsed: it could not be replayed; Reason says why. It may see a
	// difference.
	NotRehearsed Status = "not rehearsed"
	// Dead: a recording rule whose output reaches nobody. It may record other
	// values or nothing, and is not replayed.
	Dead Status = "dead"
)

// ResultVersion is the version of the JSON form of Result. It grows when a
// field changes its meaning or goes.
const ResultVersion = 1

// Result is what a rehearsal found. The same input gives the same Result.
type Result struct {
	Version int    `json:"version"`
	Backend string `json:"backend"`
	// From and To bound the instants that were replayed.
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Changes tells about each change, in the order in which they were given.
	Changes []ChangeResult `json:"changes"`
	// Outcomes are the consumers that read a series that a change alters:
	// first those that differ, then the unstable ones, those that were not
	// rehearsed, dead recording rules, and the others; each by kind, location and name. Consumers of
	// the same expression share one.
	Outcomes []Outcome `json:"outcomes"`
	// Differences are sorted by change and consumer.
	Differences []Difference `json:"differences"`
	// Transients are what consumers that see no difference otherwise see for a
	// while after a change was deployed, sorted by change and consumer. They
	// are no differences.
	Transients []Transient `json:"transients"`
	// Errors are how far values that are read from an aggregate are off, sorted
	// by change, the largest first.
	Errors []ConsumerError `json:"errors,omitempty"`
	// Collisions are stored series that would become one, sorted by labels.
	Collisions []Collision `json:"collisions"`
	// Notes say what of the input was not rehearsed.
	Notes []string `json:"notes,omitempty"`
	// Figures count what was done.
	Figures Figures `json:"figures"`
}

// ChangeResult is what one change does to the stored series.
type ChangeResult struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	// Series is how many stored series it alters, Dropped of which go.
	Series  int `json:"series"`
	Dropped int `json:"dropped"`
	// Consumers is how many consumers that are not dead read one of them,
	// Replayed how many of these could be replayed.
	Consumers int `json:"consumers"`
	Replayed  int `json:"replayed"`
	// Ambiguous is how many collisions it has a part in of which it is not
	// known what they would hold.
	Ambiguous int `json:"ambiguous,omitempty"`
	// Differs says that a consumer sees a difference because of it.
	Differs bool `json:"differs"`
	// Transient is how long a consumer sees something of its deployment, and
	// Error the largest relative error of a value in that time; see Transient.
	Transient time.Duration `json:"transient_ns,omitempty"`
	Error     float64       `json:"transient_error,omitempty"`
	// Reason is why the change could not be rehearsed, or empty.
	Reason string `json:"reason,omitempty"`
}

// Outcome is how the consumers of one expression fared.
type Outcome struct {
	Status    Status     `json:"status"`
	Reason    string     `json:"reason,omitempty"` // for Unstable and NotRehearsed
	Expr      string     `json:"expr"`
	Consumers []Consumer `json:"consumers"`
	// Changes are the identifiers of the changes that alter series it reads.
	Changes []string `json:"changes"`
	// Replayed are the expressions that were replayed in place of a Grafana
	// template, with values of variables put in.
	Replayed []string `json:"replayed,omitempty"`
	// Instants is at how many instants it was replayed, Points how many values
	// were compared. With no points, equal results say little.
	Instants int `json:"instants"`
	Points   int `json:"points"`
}

// Consumer names a consumer of the report.
type Consumer struct {
	ID       string              `json:"id"`
	Kind     sentei.ConsumerKind `json:"kind"`
	Name     string              `json:"name"`
	Location string              `json:"location,omitempty"`
}

// Difference is what a consumer would see of a change, at the first instant at
// which it would see it.
type Difference struct {
	// Changes are the identifiers of those to blame: one, or several that show
	// only together.
	Changes []string `json:"changes"`
	// Vague says that the changes could not be told apart within the bounds.
	Vague     bool       `json:"vague,omitempty"`
	Consumers []Consumer `json:"consumers"`
	Expr      string     `json:"expr"` // as replayed
	At        time.Time  `json:"at"`
	// Instants is at how many of the replayed instants it differs.
	Instants int    `json:"instants"`
	Kind     string `json:"kind"`
	Detail   string `json:"detail"`
}

// ConsumerError is how far the values of consumers of one expression are off
// when it is read from an aggregate.
type ConsumerError struct {
	Change    string     `json:"change"`
	Consumers []Consumer `json:"consumers"`
	From      string     `json:"from"` // the expression over the raw series, as replayed
	// MeasuredError is that of the first of the consumers.
	sentei.MeasuredError
}

// Collision is a set of stored series that would get the same labels.
type Collision struct {
	Labels string `json:"labels"`
	// Stored are the labels that the series have now, at most 5 of them.
	Stored []string `json:"stored"`
	Series int      `json:"series"`
	// From and To bound the time in which more than one of them has samples;
	// zero when they follow one another.
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
	// Ambiguous says that it is not known which samples Prometheus would
	// store: they overlap, and do not all hold one constant value.
	Ambiguous bool `json:"ambiguous"`
}

// Figures count what a rehearsal did.
type Figures struct {
	Consumers    int   `json:"consumers"`     // of the backend
	Untouched    int   `json:"untouched"`     // read no series that a change alters: nothing to replay
	Same         int   `json:"same"`          // replayed without a difference
	Empty        int   `json:"empty"`         // of these, with no value to compare at any instant
	Within       int   `json:"within"`        // read from an aggregate, within its tolerance
	Differs      int   `json:"differs"`       //
	Unstable     int   `json:"unstable"`      //
	NotRehearsed int   `json:"not_rehearsed"` //
	Dead         int   `json:"dead"`          // recording rules that nobody reads
	Series       int   `json:"series"`        // altered by any change
	Collisions   int   `json:"collisions"`    // sets of series; Result.Collisions lists the first ones
	Ambiguous    int   `json:"ambiguous"`     // of these
	Queries      int64 `json:"queries"`       // run by the engine
	Samples      int64 `json:"samples"`       // loaded by them
}

// Clean reports whether no replay differed, and no series would hold samples
// of several. It says nothing of what was not rehearsed.
func (r *Result) Clean() bool { return len(r.Differences) == 0 && r.Figures.Ambiguous == 0 }
