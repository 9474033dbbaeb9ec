// Package changes says what differs between two reports. In go the reports,
// the older one first; out come the metrics that grew or shrank, with the label
// that did it, and what is new or gone of proposals and consumers.
package changes

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/sentei/sentei"
)

// Changes is what happened between two reports.
type Changes struct {
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Currency string    `json:"currency,omitempty"`
	Before   Sum       `json:"before"`
	After    Sum       `json:"after"`

	// NotCompared is how many metrics are left out of the changes of an owner
	// since the owner of some of their series is not known in one of the
	// reports: series that change hands in this way neither come nor go.
	NotCompared int `json:"not_compared,omitempty"`

	Metrics   []Metric   `json:"metrics"`   // most money first, in either direction
	Proposals []Proposal `json:"proposals"` // biggest saving first
	Consumers []Consumer `json:"consumers"` // sorted by kind, backend, place and name
}

// Sum is all metrics of a report. Money is at the prices of the newer report,
// so that a new price is no change.
type Sum struct {
	Metrics  int     `json:"metrics"`
	Series   int64   `json:"series"` // active ones
	PerMonth float64 `json:"per_month"`
}

// Kind is what happened to something.
type Kind string

// The kinds of changes.
const (
	New        Kind = "new"
	Gone       Kind = "gone"
	Grew       Kind = "grew"
	Shrank     Kind = "shrank"
	Other      Kind = "other verdict" // of a metric that has as many series as before
	Replaced   Kind = "replaced"      // by a proposal that is new
	CarriedOut Kind = "carried out"
	Edited     Kind = "edited" // a consumer of the same name at the same place
)

// Metric is a metric that changed.
type Metric struct {
	Backend       string         `json:"backend"`
	Name          string         `json:"name"`
	Kind          Kind           `json:"kind"`
	Before        Sum            `json:"before"`
	After         Sum            `json:"after"`
	VerdictBefore sentei.Verdict `json:"verdict_before,omitempty"`
	VerdictAfter  sentei.Verdict `json:"verdict_after,omitempty"`
	// Causes are the labels that did it, of the job that changed most.
	Causes []Cause `json:"causes,omitempty"`
}

// Series returns by how many active series the metric grew.
func (m *Metric) Series() int64 { return m.After.Series - m.Before.Series }

// PerMonth returns by how much money a month it grew.
func (m *Metric) PerMonth() float64 { return m.After.PerMonth - m.Before.PerMonth }

// Proposal is a proposal that is in one of the reports alone.
type Proposal struct {
	Kind Kind `json:"kind"`
	sentei.Proposal
}

// Consumer is a consumer that is in one of the reports alone.
type Consumer struct {
	Kind     Kind                `json:"kind"`
	Sort     sentei.ConsumerKind `json:"consumer_kind"`
	Backend  string              `json:"backend"`
	Name     string              `json:"name"`
	Location sentei.Location     `json:"location"`
}

// Between compares two reports, the older one first.
func Between(before, after *sentei.Report) *Changes {
	c := &Changes{
		From: before.At, To: after.At, Currency: after.Settings.Prices.Currency,
		Before: total(before, after.Settings.Prices), After: total(after, after.Settings.Prices),
		Metrics: []Metric{}, Proposals: []Proposal{}, Consumers: []Consumer{},
	}
	c.metrics(before, after)
	c.proposals(before, after)
	c.consumers(before, after)
	return c
}

// total adds up money metric by metric, as Report.Total does: rounded to two
// digits, both show the same.
func total(r *sentei.Report, prices sentei.Prices) Sum {
	s := Sum{Metrics: len(r.Metrics)}
	for i := range r.Metrics {
		s.Series += r.Metrics[i].Cost.Series
		s.PerMonth += prices.PerMonth(r.Metrics[i].Cost)
	}
	return s
}

type metricKey struct{ backend, name string }

func (c *Changes) metrics(before, after *sentei.Report) {
	old := map[metricKey]*sentei.MetricReport{}
	for i := range before.Metrics {
		m := &before.Metrics[i]
		old[metricKey{m.Backend, m.Name}] = m
	}
	prices := after.Settings.Prices
	sum := func(m *sentei.MetricReport) Sum { return Sum{1, m.Cost.Series, prices.PerMonth(m.Cost)} }
	for i := range after.Metrics {
		m := &after.Metrics[i]
		k := metricKey{m.Backend, m.Name}
		change := Metric{Backend: m.Backend, Name: m.Name, Kind: New, After: sum(m), VerdictAfter: m.Verdict}
		was := old[k]
		delete(old, k)
		if (was == nil || was.Cost.Series != m.Cost.Series) && !compared(before.Part, after.Part, was, m) {
			c.NotCompared++
			continue
		}
		if was != nil {
			change.Before, change.VerdictBefore = sum(was), was.Verdict
			switch d := m.Cost.Series - was.Cost.Series; {
			case d > 0:
				change.Kind = Grew
			case d < 0:
				change.Kind = Shrank
			case m.Verdict != was.Verdict:
				change.Kind = Other
			default:
				continue
			}
			change.Causes = causes(was, m)
		}
		c.Metrics = append(c.Metrics, change)
	}
	for _, m := range old {
		if !compared(before.Part, after.Part, m, nil) {
			c.NotCompared++
			continue
		}
		c.Metrics = append(c.Metrics, Metric{Backend: m.Backend, Name: m.Name, Kind: Gone, Before: sum(m), VerdictBefore: m.Verdict})
	}
	slices.SortFunc(c.Metrics, func(a, b Metric) int {
		return cmp.Or(
			cmp.Compare(math.Abs(b.PerMonth()), math.Abs(a.PerMonth())),
			cmp.Compare(max(b.Series(), -b.Series()), max(a.Series(), -a.Series())),
			cmp.Compare(a.Backend, b.Backend), cmp.Compare(a.Name, b.Name),
		)
	})
}

// subject is the same for proposals that replace each other.
type subject struct {
	rule  string
	place sentei.Place
	kind  sentei.ActionKind
	metricKey
}

func subjectOf(p *sentei.Proposal) subject {
	return subject{p.Rule, p.Place, p.Action.Kind, metricKey{p.Action.Label, p.Action.Metric}}
}

func (c *Changes) proposals(before, after *sentei.Report) {
	was, is, done := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for i := range before.Proposals {
		was[before.Proposals[i].ID] = true
	}
	for i := range before.Tracked {
		done[before.Tracked[i].ID] = true
	}
	for i := range after.Tracked {
		if t := &after.Tracked[i]; !done[t.ID] {
			done[t.ID] = true
			c.Proposals = append(c.Proposals, Proposal{CarriedOut, t.Proposal})
		}
	}
	heirs := map[subject]bool{}
	for i := range after.Proposals {
		p := &after.Proposals[i]
		is[p.ID] = true
		if !was[p.ID] && !before.Part.MayHave(p.Place.Backend, p.Action.Metric) {
			heirs[subjectOf(p)] = true
			c.Proposals = append(c.Proposals, Proposal{New, *p})
		}
	}
	for i := range before.Proposals {
		p := &before.Proposals[i]
		switch {
		case is[p.ID] || done[p.ID] || after.Part.MayHave(p.Place.Backend, p.Action.Metric):
		case heirs[subjectOf(p)]:
			c.Proposals = append(c.Proposals, Proposal{Replaced, *p})
		default:
			c.Proposals = append(c.Proposals, Proposal{Gone, *p})
		}
	}
	slices.SortFunc(c.Proposals, func(a, b Proposal) int {
		return cmp.Or(
			cmp.Compare(b.SavingPerMonth, a.SavingPerMonth), cmp.Compare(b.Saving.Series, a.Saving.Series),
			cmp.Compare(a.ID, b.ID), cmp.Compare(a.Kind, b.Kind),
		)
	})
}

func (c *Changes) consumers(before, after *sentei.Report) {
	kept := map[content]int{}
	for i := range before.Consumers {
		kept[contentOf(&before.Consumers[i])]++
	}
	var others []*sentei.Consumer // of after
	for i := range after.Consumers {
		o := &after.Consumers[i]
		if k := contentOf(o); kept[k] > 0 {
			kept[k]--
			continue
		}
		others = append(others, o)
	}
	// What stands at a place under a name is the same thing, edited.
	gone := map[Consumer]int{}
	for k, n := range kept {
		gone[k.Consumer] += n
	}
	for _, o := range others {
		n := named(o)
		n.Kind = New
		if k := named(o); gone[k] > 0 {
			gone[k]--
			n.Kind = Edited
		} else if mayRead(before.Part, o) {
			continue
		}
		n.Location = o.Location
		c.Consumers = append(c.Consumers, n)
	}
	for i := range before.Consumers {
		o := &before.Consumers[i]
		if k := named(o); kept[contentOf(o)] > 0 && gone[k] > 0 {
			kept[contentOf(o)]--
			gone[k]--
			if mayRead(after.Part, o) {
				continue
			}
			k.Kind, k.Location = Gone, o.Location
			c.Consumers = append(c.Consumers, k)
		}
	}
	slices.SortFunc(c.Consumers, func(a, b Consumer) int {
		return cmp.Or(
			cmp.Compare(a.Sort, b.Sort), cmp.Compare(a.Backend, b.Backend), cmp.Compare(a.Location.String(), b.Location.String()),
			cmp.Compare(a.Name, b.Name), cmp.Compare(a.Kind, b.Kind),
		)
	})
}

// content is all that matters of a consumer: it is the same consumer when other
// lines of its file were edited.
type content struct {
	Consumer
	text, opaque string
}

func contentOf(c *sentei.Consumer) content { return content{named(c), c.Text, c.Opaque} }

// named is what a consumer is recognised by after it was edited.
func named(c *sentei.Consumer) Consumer {
	at := c.Location
	at.Line = 0
	return Consumer{Sort: c.Kind, Backend: c.Backend, Name: c.Name, Location: at}
}
