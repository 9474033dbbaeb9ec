package report

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/number"
)

// By says what the rows of the table of costs stand for.
type By string

// What table, wide and markdown can list. The other formats hold metrics, but
// for ByBackend.
const (
	ByMetric    By = "metric" // the default
	ByJob       By = "job"
	ByNamespace By = "namespace" // values of the label namespace
	ByOwner     By = "owner"     // as Settings.Owners says
	ByLabel     By = "label"     // names of labels, with what their removal would save
	ByBackend   By = "backend"   // for CSV too; the other formats tell it in any case
)

// Bys lists what Options.By can be.
func Bys() []By { return []By{ByMetric, ByJob, ByNamespace, ByOwner, ByLabel, ByBackend} }

// group is one row: some series, and how many of them nobody reads.
type group struct {
	backend, name           string
	metrics                 int
	series, unused, unknown float64
	perMonth                float64
}

// groups sums up the metrics by job, namespace or owner, the most expensive first.
func (v *view) groups(by By) []*group {
	found := map[metricKey]*group{}
	for i := range v.Metrics {
		m := &v.Metrics[i]
		counted := map[*group]bool{}
		for k := range m.Jobs {
			for _, p := range v.split(m.Name, &m.Jobs[k], by) {
				key := metricKey{m.Backend, p.name}
				g := found[key]
				if g == nil {
					g = &group{backend: m.Backend, name: p.name}
					found[key] = g
				}
				if !counted[g] {
					counted[g] = true
					g.metrics++
				}
				g.add(p, m.JobUsage[k].Verdict)
			}
		}
	}
	var out []*group
	for _, g := range found {
		out = append(out, g)
	}
	slices.SortFunc(out, func(a, b *group) int {
		return cmp.Or(cmp.Compare(b.perMonth, a.perMonth), cmp.Compare(b.series, a.series),
			cmp.Compare(a.backend, b.backend), cmp.Compare(a.name, b.name))
	})
	return out
}

func (g *group) add(p piece, verdict sentei.Verdict) {
	g.series += p.series
	g.perMonth += p.perMonth
	switch verdict {
	case sentei.Unused:
		g.unused += p.series
	case sentei.Unknown:
		g.unknown += p.series
	}
}

// piece is the part of a metric in a job that belongs to a group.
type piece struct {
	name             string
	series, perMonth float64
}

// split splits the series of a metric in a job: all to its job, to the values
// of the label namespace, or to their owners. Series without it, and those
// whose values are not known, have a name in brackets.
func (v *view) split(metric string, j *sentei.JobMetric, by By) []piece {
	series, perMonth := float64(j.Cost.Series), v.Settings.Prices.PerMonth(j.Cost)
	var out []piece
	switch by {
	case ByJob:
		out = append(out, piece{cmp.Or(j.Job, "(no job)"), series, perMonth})
	case ByOwner:
		for _, c := range v.Settings.Owners.Costs(metric, j) {
			out = append(out, piece{c.Owner, float64(c.Cost.Series), v.Settings.Prices.PerMonth(c.Cost)})
		}
	default:
		for name, part := range j.Shares("namespace") {
			out = append(out, piece{name, series * part, perMonth * part})
		}
	}
	return out
}

// groupsGrid lists jobs, namespaces or owners.
func (v *view) groupsGrid(by By, top int) *grid {
	g := &grid{}
	backend := len(v.Backends) > 1
	if backend {
		g.columns = append(g.columns, column{title: "backend"})
	}
	g.columns = append(g.columns, column{title: string(by), code: true}, column{title: "metrics", right: true},
		column{title: "series", right: true}, column{title: "of these unused", right: true}, column{title: "unknown", right: true})
	if v.priced {
		g.columns = append(g.columns, column{title: v.currency + "/month", right: true})
	}
	g.columns = append(g.columns, column{title: "share", right: true})
	all := v.groups(by)
	if top > 0 && len(all) > top {
		rest := &group{name: number.Plural(len(all)-top, "more "+string(by))}
		for _, r := range all[top:] {
			rest.metrics += r.metrics
			rest.series += r.series
			rest.unused += r.unused
			rest.unknown += r.unknown
			rest.perMonth += r.perMonth
		}
		all = append(all[:top:top], rest)
	}
	for _, r := range all {
		var row []cell
		if backend {
			row = append(row, numeral(r.backend))
		}
		row = append(row, numeral(r.name), numeral(number.Count(int64(r.metrics))), numeral(number.Count(whole(r.series))),
			numeral(number.Count(whole(r.unused))), numeral(number.Count(whole(r.unknown))))
		if v.priced {
			row = append(row, numeral(number.Money(r.perMonth)))
		}
		share := v.all.shareOf(sentei.Cost{Series: whole(r.series)}, r.perMonth)
		g.rows = append(g.rows, append(row, numeral(number.Percent(share))))
	}
	return g
}

func whole(f float64) int64 { return int64(f + 0.5) }

// labelSum is what the removal of a label would do to all metrics that have it.
type labelSum struct {
	name          string
	metrics, dead int
	values        int64 // in the metric and job that has most of them
	saved         int64 // active series, of those metrics where it is known
	savedDead     int64 // the same where no consumer needs the label
	// notKnown and notKnownDead say that it is not known of some of them.
	notKnown, notKnownDead bool
}

// labelsGrid lists the labels of all backends, the one whose removal would
// save most first, and what may save something before what saves nothing. le and quantile are listed too: they cost, even if they
// cannot be removed.
func (v *view) labelsGrid(top int) *grid {
	found := map[string]*labelSum{}
	for i := range v.Metrics {
		m := &v.Metrics[i]
		for k := range m.Jobs {
			j := &m.Jobs[k]
			for n := range j.Labels {
				l := &j.Labels[n]
				r := found[l.Name]
				if r == nil {
					r = &labelSum{name: l.Name}
					found[l.Name] = r
				}
				r.add(j, l, m.JobUsage[k].Verdict == sentei.Unused || n < len(m.JobUsage[k].Labels) && m.JobUsage[k].Labels[n].Verdict == sentei.Unused)
			}
		}
	}
	var all []*labelSum
	for _, r := range found {
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b *labelSum) int {
		return cmp.Or(cmp.Compare(b.saved, a.saved), compareBool(b.notKnown, a.notKnown), strings.Compare(a.name, b.name))
	})
	g := &grid{columns: []column{
		{title: "label", code: true}, {title: "on metrics", right: true}, {title: "values", right: true},
		{title: "series saved without it", right: true}, {title: "needed by nobody on", right: true}, {title: "series saved there", right: true},
	}}
	if top > 0 && len(all) > top {
		all = all[:top]
	}
	for _, r := range all {
		g.rows = append(g.rows, []cell{
			numeral(r.name), numeral(number.Count(int64(r.metrics))), numeral(number.Count(r.values)),
			numeral(number.Sum(number.Count(r.saved), r.saved > 0, !r.notKnown)),
			numeral(number.Count(int64(r.dead))), numeral(number.Sum(number.Count(r.savedDead), r.savedDead > 0, !r.notKnownDead)),
		})
	}
	return g
}

// add counts a metric once for each job that has the label.
func (r *labelSum) add(j *sentei.JobMetric, l *sentei.LabelStats, dead bool) {
	r.metrics++
	r.values = max(r.values, l.Distinct)
	left, known := j.Without(l.Name)
	saved := int64(0)
	if known {
		saved = j.Cost.Series - left
	}
	r.saved += saved
	r.notKnown = r.notKnown || !known
	if dead {
		r.dead++
		r.savedDead += saved
		r.notKnownDead = r.notKnownDead || !known
	}
}

// costs is the table that Options.By asks for.
func (v *view) costs(o Options, wide bool) (g *grid, left int) {
	switch o.By {
	case ByJob, ByNamespace, ByOwner:
		return v.groupsGrid(o.By, o.Top), 0
	case ByBackend:
		return v.backendsGrid(v.allTotals()), 0
	case ByLabel:
		return v.labelsGrid(o.Top), 0
	default:
		rows, rest := v.top(o.Top)
		return v.metricsGrid(rows, rest, wide), rest.metrics
	}
}
