package web

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/sentei/sentei"
)

// maxLimit is how many items one answer holds at most.
const maxLimit = 1000

// A window is the part of a list that is asked for.
type window struct{ Limit, Offset int }

// slice returns the bounds of the part in a list of n items.
func (w window) slice(n int) (from, to int) {
	from = min(w.Offset, n)
	return from, min(from+w.Limit, n)
}

// A query reads parameters and keeps the first mistake.
type query struct {
	values url.Values
	err    error
}

func (q *query) fail(format string, args ...any) {
	if q.err == nil {
		q.err = fmt.Errorf(format, args...)
	}
}

// one returns a parameter that must be one of the given values, or empty.
func (q *query) one(name string, of ...string) string {
	v := q.values.Get(name)
	if v != "" && !slices.Contains(of, v) {
		q.fail("%s: %q is none of %s", name, v, strings.Join(of, ", "))
	}
	return v
}

// number returns a whole number from 0 to most.
func (q *query) number(name string, otherwise, most int) int {
	v := q.values.Get(name)
	if v == "" {
		return otherwise
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 || n > most {
		q.fail("%s: want a whole number from 0 to %d, got %q", name, most, v)
		return otherwise
	}
	return n
}

const maxOffset = 1 << 30

func (q *query) window(limit int) window {
	w := window{q.number("limit", limit, maxLimit), q.number("offset", 0, maxOffset)}
	if w.Limit == 0 {
		w.Limit = limit
	}
	return w
}

func stateNames() []string {
	var s []string
	for _, state := range sentei.States() {
		s = append(s, string(state))
	}
	return s
}

func verdictNames() []string {
	var s []string
	for _, v := range sentei.Verdicts() {
		s = append(s, string(v))
	}
	return s
}

func gradeNames() []string {
	return []string{string(sentei.GradeA), string(sentei.GradeASteady), string(sentei.GradeB), string(sentei.GradeC)}
}

// rank orders grades, the safest first and unknown ones last.
func rank(g sentei.Grade) int {
	switch g {
	case sentei.GradeA:
		return 0
	case sentei.GradeASteady:
		return 1
	case sentei.GradeB:
		return 2
	case sentei.GradeC:
		return 3
	}
	return 4
}

// A metricQuery chooses metrics.
type metricQuery struct {
	Backend, Verdict, Job, Text string
	Sort, Order                 string // Order is asc, desc or empty for what suits
	window
}

func readMetricQuery(values url.Values, limit int) (metricQuery, error) {
	q := query{values: values}
	m := metricQuery{
		Backend: values.Get("backend"), Job: values.Get("job"), Text: values.Get("q"),
		Verdict: q.one("verdict", verdictNames()...),
		Sort:    q.one("sort", sortNames()...), Order: q.one("order", "asc", "desc"),
		window: q.window(limit),
	}
	if m.Sort == "" {
		m.Sort = "cost"
	}
	return m, q.err
}

// rising reports whether a key is sorted upwards unless asked otherwise.
func rising(key string) bool { return key == "name" || key == "verdict" }

// reversed reports whether the order is the other way round than the key's own.
func (q *metricQuery) reversed() bool {
	return q.Order == "asc" && !rising(q.Sort) || q.Order == "desc" && rising(q.Sort)
}

// matches reports whether a metric is asked for. text is Text in lower case.
func (q *metricQuery) matches(m *sentei.MetricReport, text string) bool {
	return (q.Backend == "" || m.Backend == q.Backend) &&
		(q.Verdict == "" || string(m.Verdict) == q.Verdict) &&
		(q.Job == "" || slices.ContainsFunc(m.Jobs, func(j sentei.JobMetric) bool { return j.Job == q.Job })) &&
		contains(m.Name, text)
}

// A selection is the part of the metrics that was asked for, and the sums of
// all that match.
type selection struct {
	Metrics  []*sentei.MetricReport
	Total    int
	Cost     sentei.Cost
	PerMonth float64
}

// Counted is how many proposals the sum is of.
func (g gradeSum) Counted() int { return g.Count - g.Decided }

func (x *index) find(q metricQuery) selection {
	order := x.order(q.Sort)
	text := strings.ToLower(q.Text)
	var s selection
	for i := range order {
		k := i
		if q.reversed() {
			k = len(order) - 1 - i
		}
		m := &x.Metrics[order[k]]
		if !q.matches(m, text) {
			continue
		}
		if s.Total >= q.Offset && len(s.Metrics) < q.Limit {
			s.Metrics = append(s.Metrics, m)
		}
		s.Total++
		s.Cost = s.Cost.Plus(m.Cost)
		s.PerMonth += m.PerMonth
	}
	return s
}

// A proposalQuery chooses proposals.
type proposalQuery struct {
	Backend, Grade, Rule, State, Text string
	window
}

func readProposalQuery(values url.Values, limit int) (proposalQuery, error) {
	q := query{values: values}
	p := proposalQuery{
		Backend: values.Get("backend"), Rule: values.Get("rule"), Text: values.Get("q"),
		Grade: q.one("grade", gradeNames()...), State: q.one("state", stateNames()...), window: q.window(limit),
	}
	return p, q.err
}

// find returns the proposals that are asked for, with their present states,
// and the sums of all that match. They stand by grade, the biggest saving of
// each first.
func (s states) find(q proposalQuery) (page []sentei.Proposal, sums []gradeSum) {
	text := strings.ToLower(q.Text)
	byGrade := map[sentei.Grade]*gradeSum{}
	open := s.open()
	var found []sentei.Proposal
	for i := range s.x.Proposals {
		p := &s.x.Proposals[i]
		if q.Backend != "" && p.Place.Backend != q.Backend || q.Grade != "" && string(p.Grade) != q.Grade || q.Rule != "" && p.Rule != q.Rule ||
			!contains(p.Action.Metric, text) && !contains(p.ID, text) && !contains(p.Place.ScrapeJob, text) && !contains(p.Action.Label, text) {
			continue
		}
		c := s.with(p)
		if q.State != "" && string(c.State) != q.State {
			continue
		}
		found = append(found, c)
		g := byGrade[p.Grade]
		if g == nil {
			g = &gradeSum{Grade: p.Grade}
			byGrade[p.Grade] = g
		}
		g.Count++
		if q.State == "" && !open[c.ID] {
			g.Decided++
			continue
		}
		g.Saving = g.Saving.Plus(p.Saving)
		g.PerMonth += p.SavingPerMonth
	}
	slices.SortStableFunc(found, func(a, b sentei.Proposal) int { return rank(a.Grade) - rank(b.Grade) })
	for i := range found {
		if n := len(sums); n == 0 || sums[n-1].Grade != found[i].Grade {
			sums = append(sums, *byGrade[found[i].Grade])
		}
	}
	from, to := q.slice(len(found))
	return found[from:to], sums
}

// open returns the proposals that nobody has decided against, by identifier.
func (s states) open() map[string]bool {
	r, _ := s.all().InStates(sentei.Open()...)
	out := make(map[string]bool, len(r.Proposals))
	for i := range r.Proposals {
		out[r.Proposals[i].ID] = true
	}
	return out
}

// A gradeSum is what the proposals of one grade save together. Without a state
// that is asked for, those do not count that are decided against or put off.
type gradeSum struct {
	Grade    sentei.Grade
	Count    int // all of them
	Decided  int // those of them that do not count
	Saving   sentei.Cost
	PerMonth float64
}
