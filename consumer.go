package sentei

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

// ConsumerKind says what sort of reader a Consumer is.
type ConsumerKind string

// The kinds of consumers.
const (
	AlertingRule  ConsumerKind = "alerting rule"
	RecordingRule ConsumerKind = "recording rule"
	Dashboard     ConsumerKind = "dashboard"
	Query         ConsumerKind = "query"
	Declared      ConsumerKind = "declared"
)

// IsRoot reports whether a consumer of this kind counts by itself. A recording
// rule does not: it is as alive as what reads its output.
func (k ConsumerKind) IsRoot() bool { return k != RecordingRule }

// Lang names the language an expression is written in.
type Lang string

// The languages of expressions. MetricsQL is read by VictoriaMetrics.
const (
	PromQL    Lang = "promql"
	MetricsQL Lang = "metricsql"
)

// Expression is the text that a consumer evaluates, before it is understood.
type Expression struct {
	Text string `json:"expr"`
	Lang Lang   `json:"lang,omitempty"` // empty means PromQL
	// Template says that Text holds Grafana variables ($v, ${v:fmt}, [[v]]).
	Template bool `json:"template,omitempty"`
	// VariableQuery says that Text is the query of a Grafana variable, such as
	// label_values(up, job), and not an expression.
	VariableQuery bool `json:"variable_query,omitempty"`
	// AdHoc says that a viewer can add matchers on any label to every
	// selector, as with a Grafana filter variable. So every label is live.
	AdHoc bool `json:"ad_hoc,omitempty"`
	// Variables are the Grafana variables whose values are known, sorted by
	// name. A variable that is not listed may have any value.
	Variables []Variable `json:"variables,omitempty"`
}

// Variable is a Grafana variable that can take no other values than Values.
type Variable struct {
	Name   string   `json:"name"`
	Values []string `json:"values"`
}

// Location says where a consumer is defined, as precisely as its source can
// tell. Fields that do not apply are empty.
type Location struct {
	File         string `json:"file,omitempty"`
	Line         int    `json:"line,omitempty"` // 1-based; 0 when unknown
	Group        string `json:"group,omitempty"`
	Dashboard    string `json:"dashboard,omitempty"`
	DashboardUID string `json:"dashboard_uid,omitempty"`
	Panel        string `json:"panel,omitempty"` // panel title, "variable job", "annotation deploys"
	URL          string `json:"url,omitempty"`
}

// String returns "rules.yml:12 (group node)", "dashboard Node / panel CPU" and
// the like.
func (l Location) String() string {
	var parts []string
	if l.Dashboard != "" {
		s := "dashboard " + strconv.Quote(l.Dashboard)
		if l.Panel != "" {
			s += ", " + l.Panel
		}
		parts = append(parts, s)
	}
	if l.File != "" {
		s := l.File
		if l.Line > 0 {
			s += ":" + strconv.Itoa(l.Line)
		}
		parts = append(parts, s)
	}
	if l.Group != "" {
		parts = append(parts, "group "+l.Group)
	}
	if len(parts) == 0 {
		return l.URL
	}
	return strings.Join(parts, ", ")
}

// Consumer is somebody who reads stored metrics.
type Consumer struct {
	ID       string       `json:"id"` // hash of the content, see HashID
	Kind     ConsumerKind `json:"kind"`
	Backend  string       `json:"backend"`
	Source   string       `json:"source"` // the usage source that found it
	Name     string       `json:"name"`   // alert, recorded metric, dashboard; for a query its shortened text
	Location Location     `json:"location"`

	Expression

	// Records is the metric that a recording rule writes, with the labels
	// that the rule sets on every series of it.
	Records      string            `json:"records,omitempty"`
	RecordLabels map[string]string `json:"record_labels,omitempty"`

	// Reason is why a declared consumer exists.
	Reason string `json:"reason,omitempty"`

	// For logged queries: how often, when first and last, and through what
	// (an HTTP path or a rule group file). Zero for all other kinds.
	Count     int64     `json:"count,omitempty"`
	FirstSeen time.Time `json:"first_seen,omitzero"`
	LastSeen  time.Time `json:"last_seen,omitzero"`
	Origins   []string  `json:"origins,omitempty"`

	// Selectors is what the expression asks storage for. The analyzer fills
	// it; sources leave it empty.
	Selectors []Selector `json:"selectors,omitempty"`
	// Opaque is why the expression cannot be understood, or empty. An opaque
	// consumer may read anything: what is not known to be used by another
	// consumer becomes unknown.
	Opaque string `json:"opaque,omitempty"`
	// Dead says that a recording rule's output reaches no root.
	Dead bool `json:"dead,omitempty"`
}

// OpaqueProblemID returns the identifier of the problem that says that the
// consumer cannot be understood.
func (c *Consumer) OpaqueProblemID() string { return HashID("opaque", c.Backend, c.ID) }

// Selector is one request of a consumer to storage.
type Selector struct {
	// Matchers are all the matchers, the one on __name__ included. The
	// selected series satisfy every one of them.
	Matchers []*labels.Matcher
	// Live is the set of labels that can change the consumer's result. The
	// metric name is always live and is not listed.
	Live LabelSet
	// Erased is the set of labels removed between the selector and the next
	// grouping operator: dead, but after a strip the series must stay distinct
	// without these labels too.
	Erased LabelSet
	// OrderSensitive says that ties or the order of series can show in the
	// result (topk, limitk, sort).
	OrderSensitive bool
	// Range is the longest range that is read back in time: range selectors
	// and subqueries summed up. Zero for an instant selector.
	Range time.Duration
	// Window is the range of the range selector alone, 5m in x[5m]. Zero for an
	// instant selector, and where only the evaluation knows it.
	Window time.Duration
	// MergesEqual says that the result stays the same when series of the one
	// metric that the selector names become one, if they differ in dead labels
	// only and all samples of the metric are 0, or all are 1: whatever is above
	// does not count them. What remains must be distinct without Erased too.
	// False where that is not known.
	MergesEqual bool
	// Path names the operators above the selector, innermost first.
	Path []string
	// Hidden says why a selector is there that the text does not show, such
	// as target_info under info(); empty for a written one.
	Hidden string
}

// Matches reports whether the series satisfies every matcher.
func (s *Selector) Matches(series labels.Labels) bool {
	for _, m := range s.Matchers {
		if !m.Matches(series.Get(m.Name)) {
			return false
		}
	}
	return true
}

// MatchesName reports whether a metric of this name can satisfy the matchers
// on __name__.
func (s *Selector) MatchesName(name string) bool {
	for _, m := range s.Matchers {
		if m.Name == model.MetricNameLabel && !m.Matches(name) {
			return false
		}
	}
	return true
}

// NamedMetric returns the metric that the selector names in full, if it does.
func (s *Selector) NamedMetric() (name string, named bool) {
	for _, m := range s.Matchers {
		if m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual {
			return m.Value, true
		}
	}
	return "", false
}

// MaySelectOutput reports whether the selector may select what the recording
// rule writes. Only the name and the labels that the rule sets are certain, but
// for external ones, which series get where they are read: Thanos lets those
// take the place of the rule's, and remote read drops matchers on them.
func (s *Selector) MaySelectOutput(rule *Consumer, external []string) bool {
	for _, m := range s.Matchers {
		if m.Name == model.MetricNameLabel && !m.Matches(rule.Records) {
			return false
		}
		if v, set := rule.RecordLabels[m.Name]; set && !m.Matches(v) && !slices.Contains(external, m.Name) {
			return false
		}
	}
	return true
}

// String returns the selector in PromQL, as {__name__="up",job="node"}.
func (s *Selector) String() string {
	var b strings.Builder
	b.WriteByte('{')
	for i, m := range s.Matchers {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(m.String())
	}
	b.WriteByte('}')
	return b.String()
}

// MarshalJSON writes the selector as text, its liveness beside it.
func (s Selector) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Selector       string   `json:"selector"`
		Live           LabelSet `json:"live"`
		Erased         LabelSet `json:"erased,omitzero"`
		OrderSensitive bool     `json:"order_sensitive,omitempty"`
		RangeSeconds   float64  `json:"range_seconds,omitempty"`
		Path           []string `json:"path,omitempty"`
		Hidden         string   `json:"hidden,omitempty"`
	}{s.String(), s.Live, s.Erased, s.OrderSensitive, s.Range.Seconds(), s.Path, s.Hidden})
}
