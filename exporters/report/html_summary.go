package report

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/number"
	"github.com/sentei/sentei/internal/relabeling"
)

// weight is what charts measure: money, or series where nothing has a price.
func (v *view) weight(c sentei.Cost, perMonth float64) float64 {
	if v.priced {
		return perMonth
	}
	return float64(c.Series)
}

// amount writes the weight with its unit and, where that is money, the series.
func (v *view) amount(c sentei.Cost, perMonth float64) string {
	series := number.Count(c.Series) + " series"
	if v.priced {
		return number.Money(perMonth) + " " + v.currency + "/month, " + series
	}
	return series
}

// saved is amount for what proposals save, with what that is beside active
// series.
func (v *view) saved(c sentei.Cost, perMonth float64) string {
	s := v.amount(c, perMonth)
	if more := beside(c); more != "" {
		s += ", " + more
	}
	return s
}

// beside says what a saving is beside active series: new ones that are not
// created every day, or samples or memory where no series are saved.
func beside(c sentei.Cost) string {
	switch n := c.NewSeriesPerDay(); {
	case n > 0:
		return number.Count(n) + " new series a day"
	case c.Series == 0 && c.SamplesPerSecond > 0:
		return number.Rate(c.SamplesPerSecond) + " samples a second"
	case c.Series == 0 && c.MemoryBytes > 0:
		return number.Size(c.MemoryBytes) + " of memory"
	default:
		return ""
	}
}

// short writes a weight for where there is little room.
func (v *view) short(weight float64) string {
	if v.priced {
		return number.Headline(weight) + " " + v.currency
	}
	return number.Count(int64(weight))
}

// lead is the one sentence to remember.
func (v *view) lead() string {
	unused, unknown := v.total(sentei.Unused), v.total(sentei.Unknown)
	switch {
	case v.all.metrics == 0:
		return "No metrics were found."
	case unknown.metrics == v.all.metrics:
		return "Nothing can be judged yet."
	case unused.metrics == 0 && unknown.metrics > 0:
		return "Everything that could be judged is read by somebody."
	case unused.metrics == 0:
		return "Everything that is stored is read by somebody."
	case v.priced:
		return "Nobody is known to read " + number.Percent(v.all.shareOf(unused.cost, unused.perMonth)) + " of what the metrics cost."
	default:
		return "Nobody is known to read " + number.Percent(v.all.shareOf(unused.cost, unused.perMonth)) + " of the series that are stored."
	}
}

func (v *view) figures() []figure {
	value := func(c sentei.Cost, perMonth float64) (string, string) {
		if v.priced {
			return number.Headline(perMonth), v.currency + " a month"
		}
		return number.Count(c.Series), "series"
	}
	note := func(t total) string {
		s := number.Plural(t.metrics, "metric")
		if v.priced {
			s += ", " + number.Count(t.cost.Series) + " series"
		}
		return s
	}
	all := figure{Title: "Stored", Note: note(v.all)}
	all.Value, all.Unit = value(v.all.cost, v.all.perMonth)
	if !v.priced {
		all.Note = number.Plural(v.all.metrics, "metric") + ", " + number.Rate(v.all.cost.SamplesPerSecond) + " samples/s"
	}
	out := []figure{all}
	for _, verdict := range []sentei.Verdict{sentei.Unused, sentei.Unknown} {
		t := v.total(verdict)
		f := figure{Title: "Unused", Class: class(verdict), Note: number.Percent(v.all.shareOf(t.cost, t.perMonth)) + " · " + note(t)}
		if verdict == sentei.Unknown {
			f.Title = "Unknown"
		}
		f.Value, f.Unit = value(t.cost, t.perMonth)
		out = append(out, f)
	}
	cost, perMonth := sentei.SumSavings(v.open.Proposals)
	f := figure{Title: "Proposals save", Class: "saving"}
	f.Value, f.Unit = value(cost, perMonth)
	f.Note = number.Plural(len(v.open.Proposals), "proposal")
	if len(v.open.Proposals) > 0 {
		f.Note = number.Percent(v.all.shareOf(cost, perMonth)) + " · " + f.Note
	}
	if others := sentei.CountStates(v.decided); others != "" {
		f.Note += ", not counted: " + others
	}
	return append(out, f)
}

// parts splits the whole by verdict, for the bar and its legend.
func (v *view) parts() []part {
	meaning := map[sentei.Verdict]string{
		sentei.Used:       "an alert, a dashboard, a query or a declared consumer reads it",
		sentei.PartlyUsed: "read in some jobs, in others by nobody",
		sentei.Unused:     "known sources show nobody who reads it",
		sentei.Unknown:    "a source that could tell failed or is incomplete; never proposed",
	}
	var out []part
	at := 0.0
	for _, t := range v.totals() {
		share := v.all.shareOf(t.cost, t.perMonth)
		p := part{
			Verdict: t.verdict, Share: number.Percent(share),
			X: strconv.FormatFloat(100*at, 'f', 3, 64), W: strconv.FormatFloat(100*share, 'f', 3, 64),
			Series: number.Count(t.cost.Series), Count: number.Count(int64(t.metrics)), Meaning: meaning[t.verdict],
		}
		if v.priced {
			p.Amount = number.Money(t.perMonth)
		}
		at += share
		out = append(out, p)
	}
	return out
}

// backendRow is one row of the table that sets backends side by side.
func (v *view) backendRow(t *backendTotal) backendRow {
	row := backendRow{
		Name: cmp.Or(t.Backend, "all"), Metrics: number.Count(int64(t.Metrics)), Series: number.Count(t.Cost.Series), Share: number.Percent(t.Share),
		Used: number.Count(t.Used), Partly: number.Count(t.PartlyUsed), Unused: number.Count(t.Unused), Unknown: number.Count(t.Unknown),
		Proposals: number.Count(int64(t.Proposals)), Saving: number.Count(t.SavingSeries),
	}
	if v.priced {
		row.Amount, row.Saving = number.Money(t.PerMonth), number.Money(t.SavingPerMonth)
	}
	return row
}

const maxJobs = 12

// jobSavings sums up the open proposals by place, mostly a scrape job, the biggest first; the
// smallest together when there are many.
func (v *view) jobSavings() []jobSaving {
	type sum struct {
		backend, job string
		cost         sentei.Cost
		perMonth     float64
		n            int
	}
	byJob := map[[2]string]*sum{}
	for i := range v.open.Proposals {
		p := &v.open.Proposals[i]
		k := [2]string{p.Place.Backend, relabeling.PlaceName(&p.Place)}
		if byJob[k] == nil {
			byJob[k] = &sum{backend: k[0], job: k[1]}
		}
		byJob[k].cost = byJob[k].cost.Plus(p.Saving)
		byJob[k].perMonth += p.SavingPerMonth
		byJob[k].n++
	}
	sums := slices.SortedFunc(maps.Values(byJob), func(a, b *sum) int {
		return cmp.Or(
			cmp.Compare(v.weight(b.cost, b.perMonth), v.weight(a.cost, a.perMonth)),
			cmp.Compare(a.backend, b.backend), cmp.Compare(a.job, b.job),
		)
	})
	if len(sums) > maxJobs {
		rest := &sum{job: number.Plural(len(sums)-maxJobs, "other job")}
		for _, s := range sums[maxJobs:] {
			rest.cost, rest.perMonth, rest.n = rest.cost.Plus(s.cost), rest.perMonth+s.perMonth, rest.n+s.n
		}
		sums = append(sums[:maxJobs:maxJobs], rest)
	}
	biggest := 0.0
	for _, s := range sums {
		biggest = max(biggest, v.weight(s.cost, s.perMonth))
	}
	var out []jobSaving
	for _, s := range sums {
		j := jobSaving{Job: s.job, Backend: s.backend, Series: number.Count(s.cost.Series), Count: s.n, W: "0"}
		if v.priced {
			j.Amount = number.Money(s.perMonth)
		}
		if biggest > 0 {
			j.W = strconv.FormatFloat(100*v.weight(s.cost, s.perMonth)/biggest, 'f', 2, 64)
		}
		out = append(out, j)
	}
	return out
}
