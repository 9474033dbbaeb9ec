package web

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/exporters/report"
	"github.com/sentei/sentei/internal/number"
)

// A readerNode is somebody who reads, with who reads its output.
type readerNode struct {
	*sentei.Consumer
	Where     string
	Selectors []string // those that select the metric
	Records   string   // the address of the metric that it writes; may be empty
	Dead      bool     // nobody reads its output
	Readers   []readerNode
	More      int
}

// A readerGroup is readers of one kind or, of dashboards, the panels of one.
type readerGroup struct {
	Kind    string
	Name    string // of the dashboard
	URL     string
	Readers []readerNode
}

const (
	maxReaders = 200 // of a metric
	maxNested  = 20  // of the output of a recording rule
	maxDepth   = 6   // of recording rules that read recording rules
)

// readers returns who reads the metric, by kind: those whose loss hurts most
// first.
func (x *index) readers(m *sentei.MetricReport) (groups []readerGroup, more int) {
	nodes, more := x.readerNodes(m, maxReaders, maxDepth, map[string]bool{})
	for _, n := range nodes {
		g := readerGroup{Kind: string(n.Kind)}
		if n.Kind == sentei.Dashboard {
			g.Name, g.URL = n.Location.Dashboard, n.Location.URL
		}
		if k := len(groups) - 1; k >= 0 && groups[k].Kind == g.Kind && groups[k].Name == g.Name {
			groups[k].Readers = append(groups[k].Readers, n)
			continue
		}
		g.Readers = []readerNode{n}
		groups = append(groups, g)
	}
	return groups, more
}

func (x *index) readerNodes(m *sentei.MetricReport, most, depth int, seen map[string]bool) (nodes []readerNode, more int) {
	type reader struct {
		*sentei.Consumer
		dead bool
	}
	var all []reader
	for _, id := range m.Readers {
		if c := x.consumers[id]; c != nil {
			all = append(all, reader{c, false})
		}
	}
	for _, id := range m.DeadReaders {
		if c := x.consumers[id]; c != nil {
			all = append(all, reader{c, true})
		}
	}
	kinds := []sentei.ConsumerKind{sentei.AlertingRule, sentei.RecordingRule, sentei.Dashboard, sentei.Query, sentei.Declared}
	slices.SortStableFunc(all, func(a, b reader) int {
		return cmp.Or(
			cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)), cmp.Compare(a.Location.Dashboard, b.Location.Dashboard),
			cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID),
		)
	})
	if len(all) > most {
		all, more = all[:most], len(all)-most
	}
	for _, c := range all {
		n := readerNode{Consumer: c.Consumer, Where: where(c.Consumer), Dead: c.dead}
		for i := range c.Selectors {
			if s := &c.Selectors[i]; s.MatchesName(m.Name) {
				n.Selectors = append(n.Selectors, s.String())
			}
		}
		if output := x.metrics[metricKey{c.Backend, c.Records}]; c.Kind == sentei.RecordingRule && output != nil {
			n.Records = metricPath(output.Backend, output.Name)
			if depth > 0 && !seen[c.ID] {
				seen[c.ID] = true
				n.Readers, n.More = x.readerNodes(output, maxNested, depth-1, seen)
			}
		}
		nodes = append(nodes, n)
	}
	return nodes, more
}

// where says where a consumer is defined, without what its heading says.
func where(c *sentei.Consumer) string {
	switch c.Kind {
	case sentei.Dashboard:
		if c.Location.Panel != "" {
			return c.Location.Panel
		}
	case sentei.Query:
		s := number.Plural(int(c.Count), "time") + ", last " + number.Date(c.LastSeen)
		if len(c.Origins) > 0 {
			s += ", through " + strings.Join(c.Origins, ", ")
		}
		return s
	}
	return c.Location.String()
}

// A jobView is the series of the metric in one job.
type jobView struct {
	Job       string
	Verdict   sentei.Verdict
	Cost      sentei.Cost
	Histogram *sentei.Histogram
	Read      bool // labels were read
	Labels    []labelView
	Steps     []stepView
}

// A labelView is a label with what its removal would leave.
type labelView struct {
	sentei.LabelStats
	Verdict sentei.Verdict
	Known   bool   // the effect of the removal is known
	Left    int64  // active series without it
	W, WCut string // of the bar, in percent: what stays and what goes
	Readers []need
	More    int // readers that are not listed
	Top     []valueView
	Others  int64 // values that are not listed
	Unused  int   // values that no reader wants
}

// A need is a consumer that needs a label. Those of one name stand for all.
type need struct{ ID, Name string }

type valueView struct {
	Value  string
	Series int64
	Unused bool
}

// A stepView is what sets of labels leave when they go one after the other.
type stepView struct {
	Labels []labelView
	Left   int64
	W      string
}

const (
	maxJobs      = 20
	maxValues    = 8
	maxNeeded    = 4
	maxStepLabel = 12
)

func (x *index) jobViews(m *sentei.MetricReport) (views []jobView, more int) {
	n := min(len(m.Jobs), len(m.JobUsage))
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(m.Jobs[b].Cost.Series, m.Jobs[a].Cost.Series) })
	for _, i := range order[:min(n, maxJobs)] {
		j, u := &m.Jobs[i], &m.JobUsage[i]
		v := jobView{Job: j.Job, Verdict: u.Verdict, Cost: j.Cost, Histogram: j.Histogram, Read: j.Labels != nil}
		for k := range j.Labels {
			v.Labels = append(v.Labels, x.labelView(j, u, &j.Labels[k]))
		}
		slices.SortStableFunc(v.Labels, func(a, b labelView) int { return cmp.Compare(a.Left, b.Left) })
		for _, r := range j.Reductions {
			step := stepView{Left: r.SeriesWithoutLive, W: bar(float64(r.SeriesWithoutLive), float64(j.Cost.Series))}
			for _, name := range r.Labels[:min(len(r.Labels), maxStepLabel)] {
				verdict, _ := u.LabelVerdict(name)
				step.Labels = append(step.Labels, labelView{LabelStats: sentei.LabelStats{Name: name}, Verdict: verdict})
			}
			v.Steps = append(v.Steps, step)
		}
		views = append(views, v)
	}
	return views, len(m.Jobs) - len(views)
}

func (x *index) labelView(j *sentei.JobMetric, u *sentei.JobUsage, l *sentei.LabelStats) labelView {
	v := labelView{LabelStats: *l}
	v.Left, v.Known = j.Without(l.Name)
	v.Verdict, _ = u.LabelVerdict(l.Name)
	if !v.Known {
		v.Left = j.Cost.Series
	}
	v.W, v.WCut = bar(float64(v.Left), float64(j.Cost.Series)), bar(float64(j.Cost.Series-v.Left), float64(j.Cost.Series))
	var unused []string
	if k := slices.IndexFunc(u.Labels, func(o sentei.LabelUsage) bool { return o.Name == l.Name }); k >= 0 {
		unused = u.Labels[k].UnusedValues
		v.Readers = x.needs(u.Labels[k].Readers)
		if more := len(v.Readers) - maxNeeded; more > 0 {
			v.Readers, v.More = v.Readers[:maxNeeded], more
		}
	}
	v.Unused = len(unused)
	for _, value := range l.Values[:min(len(l.Values), maxValues)] {
		v.Top = append(v.Top, valueView{value.Value, value.Series, slices.Contains(unused, value.Value)})
	}
	v.Others = l.Distinct - int64(len(v.Top))
	return v
}

// needs names consumers, each name once: a dashboard for its panels.
func (x *index) needs(ids []string) []need {
	var out []need
	seen := map[string]bool{}
	for _, id := range ids {
		c := x.consumers[id]
		if c == nil {
			continue
		}
		name := c.Name
		switch c.Kind {
		case sentei.Dashboard:
			name = cmp.Or(c.Location.Dashboard, name)
		case sentei.Query:
			name = "logged query"
		}
		if !seen[name] {
			seen[name] = true
			out = append(out, need{id, name})
		}
	}
	return out
}

func knownRate(perHour float64, known bool) string {
	return number.Known(number.Rate(perHour), known)
}

func (h *Handler) metricPage(w http.ResponseWriter, req *http.Request, x *index, s states) {
	m := x.metrics[metricKey{req.PathValue("backend"), req.PathValue("name")}]
	if m == nil {
		h.fail(w, req, http.StatusNotFound, "The last report has no such metric. It may have gone, or a proposal about it has been carried out.")
		return
	}
	readers, moreReaders := x.readers(m)
	jobs, moreJobs := x.jobViews(m)
	var proposals []sentei.Proposal
	for _, p := range x.about[metricKey{m.Backend, m.Name}] {
		proposals = append(proposals, s.with(p))
	}
	kept, err := h.metricTrend(req.Context(), m.Backend, m.Name)
	if err != nil {
		h.options.Logger.Error("read trend", "err", err) // the rest of the page is worth showing
	}
	h.show(w, req, http.StatusOK, "ui-metric", "metrics", m.Name, x, struct {
		*sentei.MetricReport
		Readers     []readerGroup
		MoreReaders int
		Jobs        []jobView
		MoreJobs    int
		Proposals   []sentei.Proposal
		Recorder    *sentei.Consumer
		Trend       *report.Trend
		// Series per hour, or "?".
		Created, Ended string
	}{m, readers, moreReaders, jobs, moreJobs, proposals, x.consumers[m.RecordedBy], report.NewMetricTrend(x.Report, m, kept),
		knownRate(x.Created(m.Backend, m.Cost)), knownRate(x.Ended(m.Backend, m.Cost))})
}
