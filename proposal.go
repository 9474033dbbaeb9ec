package sentei

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

// ActionKind is what a proposal does to the stored series.
type ActionKind string

// The actions.
const (
	// DropMetric drops every series of Action.Metric in the place.
	DropMetric ActionKind = "drop_metric"
)

// Action is the change itself, free of any dialect.
type Action struct {
	Kind   ActionKind `json:"kind"`
	Metric string     `json:"metric"`
}

// Place is where a change is made: one scrape job of one backend.
type Place struct {
	Backend string `json:"backend"`
	// ScrapeJob is the job_name in the configuration.
	ScrapeJob string `json:"scrape_job"`
	// Job is the stored job label of the series that the proposal is about.
	Job string `json:"job"`
	// Shared says that series with other job labels pass the same scrape job,
	// so a rule must ask for Job as well.
	Shared bool `json:"shared,omitempty"`
}

// State is where a proposal stands in its review.
type State string

// The states.
const (
	Pending State = "pending"
)

// Evidence is one claim with the way to check it by hand.
type Evidence struct {
	Claim string `json:"claim"`
	Query string `json:"query,omitempty"` // PromQL that shows it
}

// Proposal is one change at one place.
type Proposal struct {
	ID     string `json:"id"` // hash of rule, place and action: stable between scans
	Rule   string `json:"rule"`
	Grade  Grade  `json:"grade"`
	State  State  `json:"state"`
	Place  Place  `json:"place"`
	Action Action `json:"action"`

	Saving         Cost    `json:"saving"`
	SavingPerMonth float64 `json:"saving_per_month"` // in Report.Settings.Prices.Currency

	Evidence []Evidence `json:"evidence"`
	Risk     string     `json:"risk"`
	Check    string     `json:"check"`    // how to check it by hand before
	Rollback string     `json:"rollback"` // how to undo it after
}
