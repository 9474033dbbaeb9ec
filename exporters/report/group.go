package report

import (
	"cmp"
	"slices"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/number"
)

// By says what the rows of the table of costs stand for.
type By string

// What the formats with Format.Lists can list. The others hold metrics.
const (
	ByMetric    By = "metric" // the default
	ByJob       By = "job"
	ByNamespace By = "namespace" // values of the label namespace
	ByOwner     By = "owner"     // as Settings.Owners says
	ByLabel     By = "label"     // names of labels, with what their removal would save
	ByBackend   By = "backend"
)

// Bys lists what Options.By can be.
func Bys() []By { return []By{ByMetric, ByJob, ByNamespace, ByOwner, ByLabel, ByBackend} }

// group is one row: some series, and how many of them nobody reads.
type group struct {
	backends                []string // that it is of
	name                    string
	metrics                 int
	series, unused, unknown float64
	samples, memory, disk   float64 // as in sentei.Cost
	perMonth                float64
}

// groups sums up the metrics by job, namespace or owner, the most expensive
// first: of each backend, or of all together.
func (v *view) groups(by By, mergeBackends bool) []*group {
	found := map[metricKey]*group{}
	type member struct {
		*group
		metric string
	}
	counted := map[member]bool{}
	for i := range v.Metrics {
		m := &v.Metrics[i]
		for k := range m.Jobs {
			for _, p := range v.split(m.Name, &m.Jobs[k], by) {
				key := metricKey{m.Backend, p.name}
				if mergeBackends {
					key.backend = ""
				}
				g := found[key]
				if g == nil {
					g = &group{name: p.name}
					found[key] = g
				}
				if !slices.Contains(g.backends, m.Backend) {
					g.backends = append(g.backends, m.Backend)
				}
				if !counted[member{g, m.Name}] {
					counted[member{g, m.Name}] = true
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
			slices.Compare(a.backends, b.backends), cmp.Compare(a.name, b.name))
	})
	return out
}

func (g *group) add(p piece, verdict sentei.Verdict) {
	g.series += p.series
	g.samples += p.part * p.cost.SamplesPerSecond
	g.memory += p.part * p.cost.MemoryBytes
	g.disk += p.part * p.cost.DiskBytesPerDay
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
	part             float64     // of the cost
	cost             sentei.Cost // whose series are not to be used
}

// split splits the series of a metric in a job: all to its job, to the values
// of the label namespace, or to their owners. Series without it, and those
// whose values are not known, have a name in brackets.
func (v *view) split(metric string, j *sentei.JobMetric, by By) []piece {
	series, perMonth := float64(j.Cost.Series), v.Settings.Prices.PerMonth(j.Cost)
	var out []piece
	switch by {
	case ByJob:
		out = append(out, piece{cmp.Or(j.Job, "(no job)"), series, perMonth, 1, j.Cost})
	case ByOwner:
		for _, c := range v.Settings.Owners.Costs(metric, j) {
			out = append(out, piece{c.Owner, float64(c.Cost.Series), v.Settings.Prices.PerMonth(c.Cost), 1, c.Cost})
		}
	default:
		for name, part := range j.Shares("namespace") {
			out = append(out, piece{name, series * part, perMonth * part, part, j.Cost})
		}
	}
	return out
}

// groupsGrid lists jobs, namespaces or owners.
func (v *view) groupsGrid(o Options, wide bool) *grid {
	g := &grid{}
	backend := len(v.Backends) > 1
	right := func(when bool, title string, drop int) {
		if when {
			g.columns = append(g.columns, column{title: title, right: true, drop: drop})
		}
	}
	if backend {
		g.columns = append(g.columns, column{title: "backend"})
	}
	g.columns = append(g.columns, column{title: string(o.By), code: true})
	right(true, "metrics", 2)
	right(true, "series", 0)
	right(true, "of these unused", 0)
	right(true, "unknown", 0)
	right(true, "samples/s", 3)
	right(wide, "memory", 0)
	right(wide, "disk/day", 0)
	right(v.priced, v.currency+"/month", 0)
	right(true, "share", 1)
	all := v.groups(o.By, o.MergeBackends)
	if top := o.Top; top > 0 && len(all) > top {
		all = append(all[:top:top], restOf(all[top:], o.By))
	}
	for _, r := range all {
		var row []cell
		if backend {
			row = append(row, numeral(someBackends(r.backends)))
		}
		row = append(row, numeral(r.name), numeral(number.Count(int64(r.metrics))), numeral(number.Count(whole(r.series))),
			numeral(number.Count(whole(r.unused))), numeral(number.Count(whole(r.unknown))), numeral(number.Rate(r.samples)))
		if wide {
			row = append(row, numeral(number.Size(r.memory)), numeral(number.Size(r.disk)))
		}
		if v.priced {
			row = append(row, numeral(number.Money(r.perMonth)))
		}
		g.rows = append(g.rows, append(row, numeral(number.Percent(v.groupShare(r)))))
	}
	return g
}

// restOf is one row for the groups that are not listed. A metric of several of
// them counts for each.
func restOf(left []*group, by By) *group {
	rest := &group{name: number.Plural(len(left), "more "+string(by))}
	for _, r := range left {
		rest.metrics += r.metrics
		rest.series += r.series
		rest.unused += r.unused
		rest.unknown += r.unknown
		rest.samples += r.samples
		rest.memory += r.memory
		rest.disk += r.disk
		rest.perMonth += r.perMonth
	}
	return rest
}

func (v *view) groupShare(g *group) float64 {
	return v.all.shareOf(sentei.Cost{Series: whole(g.series)}, g.perMonth)
}

func whole(f float64) int64 { return int64(f + 0.5) }

// costs is the table that Options.By asks for.
func (v *view) costs(o Options, wide bool) (g *grid, left int) {
	switch o.By {
	case ByJob, ByNamespace, ByOwner:
		return v.groupsGrid(o, wide), 0
	case ByBackend:
		return v.backendsGrid(v.allTotals()), 0
	case ByLabel:
		return v.labelsGrid(o.Top), 0
	default:
		rows, rest := v.listed(o)
		return v.metricsGrid(rows, rest, wide), rest.metrics
	}
}
