package report

import (
	"cmp"
	"math"
	"slices"
	"strconv"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/number"
	"github.com/sentei/sentei/internal/relabeling"
)

// A metricRow is one metric of the page, with the evidence that opens.
type metricRow struct {
	Backend, Name, Type, Help     string
	Verdict                       sentei.Verdict
	Series, Samples, Money, Share string
	W                             string // of the bar: percent of the dearest metric
	Score                         string
	Why                           string
	Reasons                       []string
	Consumers                     []consumerRow
	More                          int // consumers that are not listed
	Jobs                          []jobRow
	Labels                        []labelRow
	WhatIf                        []whatIfRow
	RecordedBy                    string
	Proposals                     []proposalLink
}

// A proposalLink names a proposal, which may be one that the page lists.
type proposalLink struct {
	ID     string
	Listed bool
}

type consumerRow struct {
	Kind, Name, Where, URL, Expr, Note string
	Dead                               bool
}

type jobRow struct {
	Job     string
	Verdict sentei.Verdict
	Series  string
	Buckets string // empty for what is no histogram
}

type labelRow struct {
	Name, Distinct, Left string
	Verdict              sentei.Verdict
}

const (
	maxConsumers = 12
	maxLabels    = 10
)

func (v *view) htmlMetric(m *sentei.MetricReport) metricRow {
	row := metricRow{
		Backend: m.Backend, Name: m.Name, Type: m.Type, Help: m.Help, Verdict: m.Verdict,
		Series: number.Count(m.Cost.Series), Samples: number.Rate(m.Cost.SamplesPerSecond),
		Share: number.Percent(v.share(m)), Score: number.Score(m.Score), Why: v.why(m), Reasons: m.Reasons,
		RecordedBy: v.recordedBy(m), W: strconv.FormatFloat(100*v.share(m), 'f', 2, 64),
	}
	if v.priced {
		row.Money = number.Money(m.PerMonth)
	}
	row.Consumers, row.More = v.consumerRows(m)
	for i := range min(len(m.Jobs), len(m.JobUsage)) {
		row.Jobs = append(row.Jobs, jobRow{
			cmp.Or(m.Jobs[i].Job, "(no job label)"), m.JobUsage[i].Verdict, number.Count(m.Jobs[i].Cost.Series), buckets(m.Jobs[i].Histogram),
		})
	}
	row.Labels = labelRows(m)
	row.WhatIf = whatIfRows(m)
	for _, p := range v.proposals[metricKey{m.Backend, m.Name}] {
		row.Proposals = append(row.Proposals, proposalLink{ID: p.ID})
	}
	return row
}

// consumerRows lists who reads the metric: those whose loss hurts most first,
// the dead ones last.
func (v *view) consumerRows(m *sentei.MetricReport) (rows []consumerRow, more int) {
	type reader struct {
		*sentei.Consumer
		dead bool
	}
	var readers []reader
	add := func(ids []string, dead bool) {
		for _, id := range ids {
			if c := v.consumers[id]; c != nil {
				readers = append(readers, reader{c, dead})
			}
		}
	}
	add(m.Readers, false)
	add(m.DeadReaders, true)
	order := kinds()
	slices.SortStableFunc(readers, func(a, b reader) int {
		return cmp.Or(
			compareBool(a.dead, b.dead),
			cmp.Compare(slices.Index(order, a.Kind), slices.Index(order, b.Kind)),
			cmp.Compare(b.Count, a.Count),
			cmp.Compare(a.Name, b.Name),
			cmp.Compare(a.Location.String(), b.Location.String()),
		)
	})
	if len(readers) > maxConsumers {
		more = len(readers) - maxConsumers
		readers = readers[:maxConsumers]
	}
	for _, c := range readers {
		where := c.Location.String()
		if c.Kind == sentei.Dashboard && c.Location.Dashboard == c.Name && c.Location.Panel != "" {
			where = c.Location.Panel // the name says the rest
		}
		row := consumerRow{
			Kind: string(c.Kind), Name: c.Name, Where: where, URL: c.Location.URL, Expr: c.Text,
			Note: c.Reason, Dead: c.dead,
		}
		if c.Kind == sentei.Query { // its name is its text
			row.Name = number.Plural(int(c.Count), "time") + ", last " + number.Date(c.LastSeen)
		}
		rows = append(rows, row)
	}
	return rows, more
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

// labelRows lists the labels whose removal would leave the fewest series, and
// those last of which that is not known.
func labelRows(m *sentei.MetricReport) []labelRow {
	const notKnown = math.MaxInt64
	var all []sentei.LabelEffect
	for _, name := range m.RemovableLabels() {
		w, ok := m.Without(name)
		if !ok {
			w.Without = notKnown
		}
		all = append(all, w)
	}
	slices.SortStableFunc(all, func(a, b sentei.LabelEffect) int { return cmp.Compare(a.Without, b.Without) })
	var rows []labelRow
	for _, w := range all[:min(len(all), maxLabels)] {
		left := number.Known(number.Count(w.Without), w.Without != notKnown)
		rows = append(rows, labelRow{w.Name, number.Plural(int(w.Distinct), "value"), left, m.LabelVerdict(w.Name)})
	}
	return rows
}

// A gradeTable is the proposals of one grade.
type gradeTable struct {
	Grade     string
	Title     string
	Count     string
	Saving    string
	Rest      string // what the table leaves out
	Others    string // what Count and Saving leave out
	Proposals []proposalRow
}

type proposalRow struct {
	ID, Change, Backend, Job, Rule, State string
	Shared                                bool
	Series, Money, Grade                  string
	Evidence                              []sentei.Evidence
	Risk, Check, Rollback                 string
	// Beside says what else it saves than active series: new ones every day, or
	// memory where it saves none.
	Beside               string
	Proof                *proofRow
	Rehearsal, Transient string
	// Errors are those that the rehearsal measured, the worst first.
	Errors     []errorRow
	MoreErrors int
}

func (v *view) gradeTables(top int) []gradeTable {
	var out []gradeTable
	for _, group := range v.byGrade(top) {
		t := gradeTable{
			Grade: GradeName(group.grade), Title: group.grade.Meaning(), Rest: group.rest(),
			Count: number.Count(int64(group.open.metrics)), Saving: v.saved(group.open.cost, group.open.perMonth), Others: group.others(),
		}
		for _, p := range group.proposals {
			row := proposalRow{
				ID: p.ID, Change: relabeling.Change(&p.Action), Backend: p.Place.Backend, Job: relabeling.PlaceName(&p.Place), Shared: p.Place.Shared,
				Rule: p.Rule, State: string(p.State), Series: number.Count(p.Saving.Series), Grade: t.Grade,
				Evidence: p.Evidence, Risk: p.Risk, Check: p.Check, Rollback: p.Rollback,
				Beside: beside(p.Saving), Proof: v.proof(p.Proof), Rehearsal: rehearsed(p),
			}
			row.Errors, row.MoreErrors = v.errorRows(p.Rehearsal)
			if p.Transient > 0 {
				row.Transient = number.Span(p.Transient)
			}
			if v.priced {
				row.Money = number.Money(p.SavingPerMonth)
			}
			t.Proposals = append(t.Proposals, row)
		}
		out = append(out, t)
	}
	return out
}
