package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/number"
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

func numeral(text string) cell { return cell{text: text} }

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
			name, {number.Count(int64(t.metrics)), s}, {number.Count(t.cost.Series), s}, {number.Rate(t.cost.SamplesPerSecond), s},
		}
		if v.priced {
			row = append(row, cell{number.Money(t.perMonth), s})
		}
		g.rows = append(g.rows, append(row, cell{number.Percent(v.all.shareOf(t.cost, t.perMonth)), s}))
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
	add(!v.Since.IsZero(), column{title: "growth", right: true, drop: 5})
	add(wide, column{title: "in span", right: true})
	add(wide, column{title: "created/h", right: true})
	add(wide, column{title: "ended/h", right: true})
	add(true, column{title: "samples/s", right: true, drop: 4})
	add(wide, column{title: "memory", right: true})
	add(wide, column{title: "disk/day", right: true})
	add(v.priced, column{title: v.currency + "/month", right: true, drop: 7})
	add(true, column{title: "share", right: true, drop: 2})
	add(true, column{title: "score", right: true, drop: 1})
	add(wide, column{title: "type"})
	add(wide, column{title: "jobs", least: 12})
	add(true, column{title: "why", least: 24, drop: 3})
	add(true, column{title: "worst label → left", drop: 6})

	for _, m := range metrics {
		g.rows = append(g.rows, v.metricRow(m, backend, wide))
	}
	if rest.metrics > 0 {
		r := sentei.MetricReport{Cost: rest.cost, PerMonth: rest.perMonth}
		r.Name = number.Plural(rest.metrics, "more metric")
		row := v.metricRow(&r, backend, wide)
		for i := range row {
			switch g.columns[i].title {
			case "created/h":
				row[i].text = number.Sum(row[i].text, rest.cost.ChurnPerHour > 0, !rest.notCreated)
			case "ended/h":
				row[i].text = number.Sum(row[i].text, rest.cost.EndedPerHour > 0, !rest.notEnded)
			}
			switch g.columns[i].title {
			case "metric", "series", "in span", "created/h", "ended/h", "samples/s", "memory", "disk/day", v.currency + "/month":
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
	add(backend, numeral(someBackends(v.backends(m))))
	add(true, numeral(m.Name))
	add(true, cell{string(m.Verdict), verdictStyle(m.Verdict)})
	add(true, numeral(number.Count(m.Cost.Series)))
	add(!v.Since.IsZero(), numeral(number.Growth(m.SeriesGrowth)))
	add(wide, numeral(number.Count(m.Cost.SeriesInSpan)))
	created, createdKnown := v.created(m)
	ended, endedKnown := v.ended(m)
	add(wide, numeral(number.Sum(number.Rate(created), created > 0, createdKnown)))
	add(wide, numeral(number.Sum(number.Rate(ended), ended > 0, endedKnown)))
	add(true, numeral(number.Rate(m.Cost.SamplesPerSecond)))
	add(wide, numeral(number.Size(m.Cost.MemoryBytes)))
	add(wide, numeral(number.Size(m.Cost.DiskBytesPerDay)))
	add(v.priced, numeral(number.Money(m.PerMonth)))
	add(true, numeral(number.Percent(v.share(m))))
	score := number.Score(m.Score)
	if len(v.merged[m]) > 0 {
		score = ""
	}
	add(true, numeral(score))
	add(wide, numeral(m.Type))
	add(wide, numeral(strings.Join(jobNames(m), ", ")))
	add(true, numeral(v.why(m)))
	var label string
	w, ok := worstLabels(m)
	switch {
	case !ok:
		label = number.Known("", effectsKnown(m))
	case wide && w.Distinct > 0:
		label = fmt.Sprintf("%s (%s) → %s", w.Name, number.Plural(int(w.Distinct), "value"), number.Count(w.Without))
	default:
		label = w.Name + " → " + number.Count(w.Without)
	}
	add(true, numeral(label))
	return row
}

// proposalsGrid lists the proposals of one grade.
func (v *view) proposalsGrid(group gradeGroup) *grid {
	g := &grid{columns: []column{
		{title: "id"}, {title: "backend"}, {title: "place"}, {title: "proposal", code: true}, {title: "series", right: true},
	}}
	also := slices.ContainsFunc(group.proposals, func(p *sentei.Proposal) bool { return beside(p.Saving) != "" })
	if also {
		g.columns = append(g.columns, column{title: "also"})
	}
	if v.priced {
		g.columns = append(g.columns, column{title: v.currency + "/month", right: true})
	}
	g.columns = append(g.columns, column{title: "rule", code: true}, column{title: "state"}, column{title: "risk", least: 16})
	for _, p := range group.proposals {
		row := []cell{
			numeral(p.ID), numeral(p.Place.Backend), numeral(relabeling.PlaceName(&p.Place)), numeral(relabeling.Change(&p.Action)), numeral(number.Count(p.Saving.Series)),
		}
		if also {
			row = append(row, numeral(beside(p.Saving)))
		}
		if v.priced {
			row = append(row, numeral(number.Money(p.SavingPerMonth)))
		}
		g.rows = append(g.rows, append(row, numeral(p.Rule), numeral(string(p.State)), numeral(p.Risk)))
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
			numeral(s.Backend), numeral(s.Name), numeral(cmp.Or(string(s.Class), "inventory")), status,
			numeral(found(s)), numeral(window(s.Window)),
		})
	}
	return g
}

func found(s *sentei.SourceStatus) string {
	switch {
	case !s.Up:
		return ""
	case s.Class == "":
		return number.Plural(s.Items, "metric")
	default:
		return number.Plural(s.Items, "consumer")
	}
}

// window writes a span of time with its length.
func window(w sentei.Window) string {
	if w.From.IsZero() && w.To.IsZero() {
		return ""
	}
	return fmt.Sprintf("%s, from %s", number.Span(w.Duration()), number.Minute(w.From))
}
