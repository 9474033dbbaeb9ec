package report

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/relabeling"
)

func verdictStyle(v sentei.Verdict) style {
	switch v {
	case sentei.Used:
		return green
	case sentei.PartlyUsed:
		return yellow
	case sentei.Unused:
		return red
	default:
		return cyan
	}
}

func number(text string) cell { return cell{text: text} }

// totalsGrid splits what is stored by verdict.
func (v *view) totalsGrid() *grid {
	g := &grid{columns: []column{
		{title: "verdict"}, {title: "metrics", right: true}, {title: "series", right: true}, {title: "samples/s", right: true},
	}}
	if v.priced {
		g.columns = append(g.columns, column{title: v.currency + "/month", right: true})
	}
	g.columns = append(g.columns, column{title: "share", right: true})
	for _, t := range append(v.totals(), v.all) {
		name, s := cell{string(t.verdict), verdictStyle(t.verdict)}, plain
		if t.verdict == "" {
			name, s = cell{"all", bold}, bold
		}
		row := []cell{
			name, {count(int64(t.metrics)), s}, {count(t.cost.Series), s}, {rate(t.cost.SamplesPerSecond), s},
		}
		if v.priced {
			row = append(row, cell{money(t.perMonth), s})
		}
		g.rows = append(g.rows, append(row, cell{percent(v.all.shareOf(t.cost, t.perMonth)), s}))
	}
	return g
}

// metricsGrid lists the metrics, and in one more row the rest.
func (v *view) metricsGrid(metrics []*sentei.MetricReport, rest total, wide bool) *grid {
	g := &grid{}
	backend := len(v.Backends) > 1 || wide
	add := func(when bool, c column) {
		if when {
			g.columns = append(g.columns, c)
		}
	}
	add(backend, column{title: "backend"})
	add(true, column{title: "metric", code: true})
	add(true, column{title: "verdict"})
	add(true, column{title: "series", right: true})
	add(!v.Since.IsZero(), column{title: "growth", right: true})
	add(wide, column{title: "in span", right: true})
	add(wide, column{title: "churn/h", right: true})
	add(true, column{title: "samples/s", right: true, drop: 3})
	add(wide, column{title: "memory", right: true})
	add(wide, column{title: "disk/day", right: true})
	add(v.priced, column{title: v.currency + "/month", right: true})
	add(true, column{title: "share", right: true, drop: 4})
	add(true, column{title: "score", right: true, drop: 2})
	add(wide, column{title: "type"})
	add(wide, column{title: "jobs", least: 12})
	add(true, column{title: "why", least: 24})
	add(true, column{title: "worst label → series left", least: 12, drop: 1})

	for _, m := range metrics {
		g.rows = append(g.rows, v.metricRow(m, backend, wide))
	}
	if rest.metrics > 0 {
		r := sentei.MetricReport{Cost: rest.cost, PerMonth: rest.perMonth}
		r.Name = plural(rest.metrics, "more metric")
		row := v.metricRow(&r, backend, wide)
		for i := range row {
			switch g.columns[i].title {
			case "metric", "series", "in span", "churn/h", "samples/s", "memory", "disk/day", v.currency + "/month":
				row[i].style = dim
			default:
				row[i] = cell{}
			}
		}
		g.rows = append(g.rows, row)
	}
	return g
}

func (v *view) metricRow(m *sentei.MetricReport, backend, wide bool) []cell {
	var row []cell
	add := func(when bool, c cell) {
		if when {
			row = append(row, c)
		}
	}
	add(backend, number(m.Backend))
	add(true, number(m.Name))
	add(true, cell{string(m.Verdict), verdictStyle(m.Verdict)})
	add(true, number(count(m.Cost.Series)))
	add(!v.Since.IsZero(), number(growth(m.SeriesGrowth)))
	add(wide, number(count(m.Cost.SeriesInSpan)))
	add(wide, number(rate(m.Cost.ChurnPerHour)))
	add(true, number(rate(m.Cost.SamplesPerSecond)))
	add(wide, number(size(m.Cost.MemoryBytes)))
	add(wide, number(size(m.Cost.DiskBytesPerDay)))
	add(v.priced, number(money(m.PerMonth)))
	add(true, number(percent(v.share(m))))
	add(true, number(score(m.Score)))
	add(wide, number(m.Type))
	add(wide, number(strings.Join(jobNames(m), ", ")))
	add(true, number(v.why(m)))
	label := ""
	if w, ok := worstLabels(m); ok {
		label = w.Name + " → " + count(w.Without)
		if wide && w.Distinct > 0 {
			label = fmt.Sprintf("%s (%s) → %s", w.Name, plural(int(w.Distinct), "value"), count(w.Without))
		}
	}
	add(true, number(label))
	return row
}

// proposalsGrid lists the proposals of one grade.
func (v *view) proposalsGrid(group gradeGroup) *grid {
	g := &grid{columns: []column{
		{title: "id"}, {title: "backend"}, {title: "place"}, {title: "proposal", code: true}, {title: "series", right: true},
	}}
	if v.priced {
		g.columns = append(g.columns, column{title: v.currency + "/month", right: true})
	}
	g.columns = append(g.columns, column{title: "rule", code: true}, column{title: "state"}, column{title: "risk", least: 16})
	for _, p := range group.proposals {
		row := []cell{
			number(p.ID), number(p.Place.Backend), number(relabeling.PlaceName(&p.Place)), number(relabeling.Change(&p.Action)), number(count(p.Saving.Series)),
		}
		if v.priced {
			row = append(row, number(money(p.SavingPerMonth)))
		}
		g.rows = append(g.rows, append(row, number(p.Rule), number(string(p.State)), number(p.Risk)))
	}
	return g
}

// sourcesGrid tells how the sources did.
func (v *view) sourcesGrid() *grid {
	g := &grid{columns: []column{
		{title: "backend"}, {title: "source", code: true}, {title: "tells"}, {title: "status"}, {title: "found", right: true}, {title: "window"},
	}}
	for i := range v.Sources {
		s := &v.Sources[i]
		status := cell{"up", green}
		if !s.Up {
			status = cell{"down", red}
		}
		g.rows = append(g.rows, []cell{
			number(s.Backend), number(s.Name), number(cmp.Or(string(s.Class), "inventory")), status,
			number(found(s)), number(window(s.Window)),
		})
	}
	return g
}

func found(s *sentei.SourceStatus) string {
	switch {
	case !s.Up:
		return ""
	case s.Class == "":
		return plural(s.Items, "metric")
	default:
		return plural(s.Items, "consumer")
	}
}

// window writes a span of time with its length.
func window(w sentei.Window) string {
	if w.From.IsZero() && w.To.IsZero() {
		return ""
	}
	return fmt.Sprintf("%s, from %s", span(w.Duration()), minute(w.From))
}
