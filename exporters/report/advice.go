package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/number"
)

// headline says in one line what is stored and what it costs.
func (v *view) headline() string {
	all := v.all
	parts := []string{
		number.Plural(all.metrics, "metric"),
		number.Count(all.cost.Series) + " series",
		number.Rate(all.cost.SamplesPerSecond) + " samples/s",
	}
	if v.priced {
		parts = append(parts, number.Money(all.perMonth)+" "+v.currency+"/month")
	}
	return strings.Join(parts, " · ")
}

// origin says in one line of what instant, time and backends the report
// speaks.
func (v *view) origin() string {
	var names []string
	for i := range v.Backends {
		names = append(names, v.Backends[i].Name)
	}
	s := number.Minute(v.At)
	if v.Settings.Window > 0 {
		s += " · usage of the last " + number.Span(v.Settings.Window)
	}
	if !v.Since.IsZero() {
		s += " · growth since " + number.Minute(v.Since)
	}
	switch len(names) {
	case 0:
		s += " · no backends"
	case 1:
		s += " · backend " + names[0]
	default:
		s += " · backends " + strings.Join(names, ", ")
	}
	if v.Part != nil {
		s += " · owner " + v.Part.Owner
		if v.Part.Shared > 0 {
			s += " (estimated for " + number.Plural(v.Part.Shared, "metric") + " that others have series of, too)"
		}
	}
	return s
}

// saving sums up what the open proposals would save, or returns "" without any.
func (v *view) saving() string {
	if len(v.open.Proposals) == 0 {
		return ""
	}
	cost, perMonth := sentei.SumSavings(v.open.Proposals)
	s := fmt.Sprintf("%s would save %s series", number.Plural(len(v.open.Proposals), "proposal"), number.Count(cost.Series))
	if v.all.cost.Series > 0 {
		s += fmt.Sprintf(" (%s of all)", number.Percent(float64(cost.Series)/float64(v.all.cost.Series)))
	}
	if n := cost.NewSeriesPerDay(); n > 0 {
		between := " and"
		if v.priced {
			between = ","
		}
		s += fmt.Sprintf("%s %s new series a day", between, number.Count(n))
	}
	if v.priced {
		s += fmt.Sprintf(" and %s %s/month", number.Money(perMonth), v.currency)
	}
	if others := sentei.CountStates(v.decided); others != "" {
		s += "; not counted: " + others
	}
	return s
}

// An advice is one thing to do next.
type advice struct {
	kind     adviceKind
	title    string // one word
	text     string // a sentence
	command  string // to run, or empty
	blockers []blocker
	more     int // further blockers
}

type adviceKind string

const (
	adviceReview adviceKind = "review" // proposals wait
	adviceMend   adviceKind = "mend"   // verdicts are unknown
	adviceNone   adviceKind = "none"   // nothing to do
)

func (a advice) style() style {
	switch a.kind {
	case adviceReview:
		return green
	case adviceMend:
		return yellow
	default:
		return bold
	}
}

// advice says what to do next, at least one thing.
func (v *view) advice() []advice {
	var out []advice
	if s := v.saving(); s != "" {
		out = append(out, advice{kind: adviceReview, title: "Next", text: s + ".", command: "sentei propose -o diff"})
	}
	blockers, more := v.blockers()
	if len(blockers) > 0 {
		out = append(out, advice{
			kind: adviceMend, title: "Unknown", text: v.unknown() + " cannot be judged. Mend first:",
			blockers: blockers, more: more,
		})
	}
	if len(out) > 0 {
		return out
	}
	none := advice{kind: adviceNone, title: "Next"}
	unused, _, _ := v.Total(sentei.Unused)
	decided := sentei.CountStates(v.decided)
	switch {
	case len(v.Metrics) == 0 && len(v.Sources) == 0:
		none.text = "add a backend with an inventory source to the configuration; nothing was scanned."
	case len(v.Metrics) == 0:
		none.text = "look at the inventory sources; they found no metrics."
	case decided != "":
		none.text = "nothing. All proposals are decided: " + decided + "."
	case unused > 0:
		none.text = "nothing. No rule proposes a change, though nobody reads " + number.Plural(unused, "metric") + "."
	default:
		none.text = "nothing. Every metric is read by somebody."
	}
	return append(out, none)
}

// unknown counts what has no verdict: whole metrics, or some of their jobs.
func (v *view) unknown() string {
	var metrics int
	var series int64
	for i := range v.Metrics {
		m := &v.Metrics[i]
		before := series
		for k := range min(len(m.Jobs), len(m.JobUsage)) {
			if m.JobUsage[k].Verdict == sentei.Unknown {
				series += m.Jobs[k].Cost.Series
			}
		}
		if series > before || m.Verdict == sentei.Unknown {
			metrics++
		}
	}
	return number.Plural(metrics, "metric") + " with " + number.Count(series) + " series"
}

// A blocker is something to mend before verdicts can be trusted.
type blocker struct{ where, message, hint string }

func (b blocker) text() string {
	if b.where == "" {
		return b.message
	}
	return b.where + ": " + b.message
}

const maxBlockers = 3

// blockers returns what stands in the way of verdicts where some are unknown:
// the blocking problems of those backends or, when a report has none, the
// reasons of the verdicts. It returns at most maxBlockers and the number of
// others.
func (v *view) blockers() (list []blocker, more int) {
	unknown := map[string]bool{}
	reasons := map[string]int64{} // series behind each reason
	for i := range v.Metrics {
		m := &v.Metrics[i]
		if len(v.jobsWith(m, sentei.Unknown)) == 0 && m.Verdict != sentei.Unknown {
			continue
		}
		unknown[m.Backend] = true
		for _, reason := range m.Reasons {
			reasons[reason] += m.Cost.Series
		}
	}
	for i := range v.Problems {
		p := &v.Problems[i]
		if unknown[p.Backend] && p.Blocking && p.Accepted == "" {
			list = append(list, blocker{problemPlace(p), p.Message, p.Hint})
		}
	}
	if len(list) == 0 {
		for reason := range reasons {
			list = append(list, blocker{message: reason})
		}
		slices.SortFunc(list, func(a, b blocker) int {
			return cmp.Or(cmp.Compare(reasons[b.message], reasons[a.message]), cmp.Compare(a.message, b.message))
		})
	}
	if len(list) > maxBlockers {
		return list[:maxBlockers], len(list) - maxBlockers
	}
	return list, 0
}

// problemPlace returns "backend/source, where".
func problemPlace(p *sentei.Problem) string {
	s := cmp.Or(p.Backend, "all backends")
	if p.Source != "" {
		s += "/" + p.Source
	}
	if p.Where != "" {
		s += ", " + p.Where
	}
	return s
}

// problemState says what a problem does to the verdicts.
func problemState(p *sentei.Problem) string {
	switch {
	case p.Accepted != "":
		return "accepted"
	case p.Blocking:
		return "blocking"
	default:
		return "note"
	}
}
