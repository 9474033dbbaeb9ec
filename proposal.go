package sentei

import "time"

// Grade says how exactly consumers keep their results under a proposal.
// Grades are never mixed in one list.
type Grade string

// The grades. GradeA and GradeASteady are on by default.
const (
	// GradeA: every result stays the same, to the bit.
	GradeA Grade = "A"
	// GradeASteady: the same in steady state, with a short transient when
	// deployed.
	GradeASteady Grade = "A'"
	// GradeB: the same to the eye.
	GradeB Grade = "B"
	// GradeC: within a stated tolerance.
	GradeC Grade = "C"
)

// Meaning says what a grade promises, or "" when it is not known.
func (g Grade) Meaning() string {
	switch g {
	case GradeA:
		return "every result stays the same, to the bit"
	case GradeASteady:
		return "the same in steady state, with a short transient when deployed"
	case GradeB:
		return "the same to the eye"
	case GradeC:
		return "within a stated tolerance"
	default:
		return ""
	}
}

// ActionKind is what a proposal does to the stored series.
type ActionKind string

// The actions. What a rule made of them does exactly is defined by package
// internal/relabeling.
const (
	// DropMetric drops every series of Action.Metric in the place.
	DropMetric ActionKind = "drop_metric"
	// DropValues drops the series of Action.Metric whose label Action.Label
	// has one of Action.Values.
	DropValues ActionKind = "drop_values"
	// StripLabel takes Action.Label off the series of Action.Metric, or off
	// all series of the place when Metric is empty.
	StripLabel ActionKind = "strip_label"
	// DeleteRules deletes the recording rules Action.Rules.
	DeleteRules ActionKind = "delete_rules"
	// SetInterval scrapes every Action.Interval.
	SetInterval ActionKind = "set_scrape_interval"
	// ConvertHistograms stores the classic histograms of the place as native
	// ones with custom buckets. Queries have to be rewritten: Action.Rewrites.
	ConvertHistograms ActionKind = "convert_histograms"
	// Aggregate stores Action.Metric without Action.Labels, the series that
	// become equal combined by Action.Function.
	Aggregate ActionKind = "aggregate"
)

// Action is the change itself, free of any dialect. Fields that its kind does
// not use are empty.
type Action struct {
	Kind   ActionKind `json:"kind"`
	Metric string     `json:"metric,omitempty"`
	Label  string     `json:"label,omitempty"`
	// Merges says of a StripLabel that series become one by it, on purpose.
	Merges bool     `json:"merges,omitempty"`
	Values []string `json:"values,omitempty"` // sorted
	// Labels are those that an aggregation takes away, sorted, and Function is
	// what combines the series: sum, min, max, count.
	Labels   []string `json:"labels,omitempty"`
	Function string   `json:"function,omitempty"`
	// Series says whether what an aggregation combines counts up or goes up and
	// down.
	Series SeriesType `json:"series_type,omitempty"`
	// Recordings are the recording rules that store an aggregate, sorted by what
	// they record. They are evaluated every Interval.
	Recordings []Recording `json:"recordings,omitempty"`
	// Rules are the identifiers of the recording rules to delete, sorted, and
	// RecordLabels the labels that they set on what they record.
	Rules        []string          `json:"rules,omitempty"`
	RecordLabels map[string]string `json:"record_labels,omitempty"`
	Interval     time.Duration     `json:"interval_ns,omitempty"`
	// Before is the interval that a SetInterval replaces.
	Before time.Duration `json:"before_ns,omitempty"`
	// Histograms are the classic histograms that a ConvertHistograms converts,
	// by their names without _bucket, sorted.
	Histograms []string `json:"histograms,omitempty"`
	// Rewrites are the expressions that must change with it, sorted by
	// consumer.
	Rewrites []Rewrite `json:"rewrites,omitempty"`
}

// SeriesType says how the values of series move.
type SeriesType string

// The types of series. What is neither known to be one nor the other is not
// aggregated.
const (
	CounterSeries SeriesType = "counter" // parts of classic histograms, too
	GaugeSeries   SeriesType = "gauge"
)

// Recording is a recording rule to be: the metric that it writes, and of what.
type Recording struct {
	Record string `json:"record"`
	Expr   string `json:"expr"`
}

// Rewrite is an expression of a consumer and what it must become.
type Rewrite struct {
	Consumer string `json:"consumer"` // identifier
	From     string `json:"from"`
	To       string `json:"to"`
}

// Place is where a change is made: one scrape job of one backend, one of its
// remote_write entries, or its rule files.
type Place struct {
	Backend string `json:"backend"`
	// ScrapeJob is the job_name in the configuration.
	ScrapeJob string `json:"scrape_job,omitempty"`
	// RemoteWrite is the name of the remote_write entry, or its URL when it
	// has none. What leaves there has passed every scrape job.
	RemoteWrite string `json:"remote_write,omitempty"`
	// Receiver is the backend that the remote_write entry feeds. Its consumers
	// are those that count there.
	Receiver string `json:"receiver,omitempty"`
	// Job is the stored job label of the series that the proposal is about.
	Job string `json:"job,omitempty"`
	// Shared says that series with other job labels pass the same place, so a
	// rule must ask for Job as well.
	Shared bool `json:"shared,omitempty"`
}

// State is where a proposal stands in its review.
type State string

// The states. A proposal begins as pending and is accepted, rejected or snoozed
// by somebody. An accepted one becomes applied when the live configuration or
// the stored series show that it was carried out, then verified when the saving
// is seen, or regretted when somebody asks for what is gone.
const (
	Pending   State = "pending"
	Accepted  State = "accepted"
	Rejected  State = "rejected"
	Snoozed   State = "snoozed"
	Applied   State = "applied"
	Verified  State = "verified"
	Regretted State = "regretted"
)

// States lists every state, in the order in which reports show them.
func States() []State {
	return []State{Pending, Accepted, Rejected, Snoozed, Applied, Verified, Regretted}
}

// Decision is what somebody decided about a proposal.
type Decision struct {
	Proposal string `json:"proposal"` // identifier
	// State is Accepted, Rejected or Snoozed; Pending takes a decision back.
	State  State     `json:"state"`
	Reason string    `json:"reason,omitempty"`
	By     string    `json:"by"` // who decided
	At     time.Time `json:"at"`
	Until  time.Time `json:"until,omitzero"` // of a snoozed one
}

// StateAt returns the state that the decision gives its proposal at an instant:
// a snoozed one is pending again from Until on. Without a decision, which is
// the zero value, it is pending.
func (d *Decision) StateAt(at time.Time) State {
	if d.State == "" || d.State == Snoozed && !at.Before(d.Until) {
		return Pending
	}
	return d.State
}

// Tracked is a proposal that was carried out, and what came of it. It is no
// longer among the proposals of the report, since what it takes away is gone.
type Tracked struct {
	Proposal
	Decision Decision `json:"decision,omitzero"`
	// AppliedAt is the first scan that saw it carried out.
	AppliedAt time.Time `json:"applied_at"`
	// Realised is what is not stored any more of what Saving promised.
	Realised         Cost    `json:"realised"`
	RealisedPerMonth float64 `json:"realised_per_month"` // in Report.Settings.Prices.Currency
	// Note says why the saving is not seen, or not in full, or by what alone the
	// change was seen. It is empty when the configuration shows the change and
	// the saving is seen.
	Note string `json:"note,omitempty"`
	// Regrets are consumers that ask for what is gone, sorted by identifier.
	Regrets []Regret `json:"regrets,omitempty"`
}

// Regret is a consumer that asks for something that was dropped.
type Regret struct {
	Consumer string    `json:"consumer"` // identifier
	Selector string    `json:"selector"`
	Since    time.Time `json:"since"` // the first scan that saw it
}

// Evidence is one claim with the way to check it by hand.
type Evidence struct {
	Claim string `json:"claim"`
	Query string `json:"query,omitempty"` // PromQL that shows it
}

// Proof is why no known consumer sees a difference: what was checked on paper
// for every living consumer, and what the rules did when they were executed
// over the stored series.
type Proof struct {
	// Theorem is the argument, in a sentence.
	Theorem string `json:"theorem"`
	// Consumers is how many living consumers of the backend were looked at,
	// Selectors how many selectors they have.
	Consumers int `json:"consumers"`
	Selectors int `json:"selectors"`
	// Readers are the selectors that read the metric and do not notice, each
	// with the reason, sorted. Empty when nothing reads it.
	Readers []ProofReader `json:"readers,omitempty"`
	// Executed is nil when the inventory cannot list series.
	Executed *Executed `json:"executed,omitempty"`
}

// ProofReader is a selector that reads the metric of a proposal.
type ProofReader struct {
	Consumer string `json:"consumer"` // identifier
	Selector string `json:"selector"`
	Because  string `json:"because"` // why it does not notice
}

// Executed is what Prometheus's relabel code did with the stored series of the
// whole span.
type Executed struct {
	Series  int64 `json:"series"`  // that pass the place
	Changed int64 `json:"changed"` // dropped or with other labels: exactly those planned
	// Distinct says that the series that remain are still distinct. It is
	// false where they are meant to become one.
	Distinct bool `json:"distinct"`
}

// RehearsalResult is how the replay of the consumers went.
type RehearsalResult struct {
	Consumers int `json:"consumers"` // that read a changed series
	Replayed  int `json:"replayed"`  // of those, replayed without a difference
	// Detail says why others were not replayed, and other remarks.
	Detail string `json:"detail,omitempty"`
	// Errors are how far the values of rewritten consumers are off, the worst
	// first. Only proposals with a Tolerance have them.
	Errors []MeasuredError `json:"errors,omitempty"`
}

// MeasuredError is how far the values of a consumer are off under a proposal,
// measured over stored data. Errors are relative: 0.05 for 5 %.
type MeasuredError struct {
	Consumer string `json:"consumer"` // identifier
	Expr     string `json:"expr"`     // as it was replayed under the proposal
	// Max is the largest error of a value at any instant, and Median the median
	// over the instants of the largest one at each.
	Max    float64 `json:"max"`
	Median float64 `json:"median"`
	// Aligned is the largest error at those instants at which the aggregate has
	// just been stored. The rest of Max is its age: until the next evaluation
	// readers see the last one.
	Aligned float64 `json:"aligned"`
	// At is the worst instant, and Age how old the aggregate was then.
	At  time.Time     `json:"at"`
	Age time.Duration `json:"age_ns"`
	// Instants is at how many instants values were compared.
	Instants int    `json:"instants"`
	Detail   string `json:"detail,omitempty"` // the values at the worst instant
}

// Proposal is one change at one place.
type Proposal struct {
	ID     string `json:"id"` // hash of rule, place and action: stable between scans
	Rule   string `json:"rule"`
	Grade  Grade  `json:"grade"`
	State  State  `json:"state"`
	Place  Place  `json:"place"`
	Action Action `json:"action"`
	// Group is set on proposals that stand and fall together: a recording rule
	// and the inputs that nobody else reads. It is the ID of one of them.
	Group string `json:"group,omitempty"`
	// Replaces is the proposal that was made before at the same place for the
	// same metric and label, and that is not made any more. Decisions about it
	// do not count for this one.
	Replaces string `json:"replaces,omitempty"`

	Saving         Cost    `json:"saving"`
	SavingPerMonth float64 `json:"saving_per_month"` // in Report.Settings.Prices.Currency

	// Tolerance is the largest relative error of a value, 0.05 for 5 %, that a
	// rehearsal may measure at any instant. Beyond it the proposal is withdrawn.
	// Zero where no error is measured.
	Tolerance float64 `json:"tolerance,omitempty"`

	// Transient is how long results may differ after it is deployed: zero for
	// grade A.
	Transient time.Duration `json:"transient_ns,omitempty"`

	Evidence  []Evidence       `json:"evidence"`
	Proof     *Proof           `json:"proof,omitempty"`
	Rehearsal *RehearsalResult `json:"rehearsal,omitempty"`
	Risk      string           `json:"risk"`
	Check     string           `json:"check"`    // how to check it by hand before
	Rollback  string           `json:"rollback"` // how to undo it after
}
