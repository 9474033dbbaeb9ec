package analyzer

import (
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/common/model"

	"github.com/sentei/sentei"
)

// coverageProblems makes a blocking problem of every required class of usage
// that no source covers, and of every query log that is too short, stalled or
// full of holes.
func coverageProblems(c *collection, at time.Time, o Options) []sentei.Problem {
	var problems []sentei.Problem
	for _, class := range o.Require {
		if slices.ContainsFunc(c.backend.Usage, func(u UsageSource) bool { return u.Class == class }) {
			continue
		}
		message := fmt.Sprintf("no source of %s is configured", class)
		problems = append(problems, sentei.Problem{
			ID:      sentei.HashID("coverage", c.backend.Name, "", message),
			Backend: c.backend.Name, Message: message, Blocking: true,
			Hint: fmt.Sprintf("add one under usage, or take %q out of analysis.require if there are none", class),
		})
	}
	for _, s := range c.status {
		if s.Class == sentei.ClassQueries && s.Up {
			problems = append(problems, queryLogProblems(&s, at, o)...)
		}
	}
	return problems
}

// clockSlack is how far after the inventory an entry may be dated without
// being an entry of the future.
const clockSlack = 5 * time.Minute

// gapSlack is what a gap in a query log may last beyond Options.MaxLag. Gaps
// are only known from an hour on.
const gapSlack = time.Hour

// queryLogProblems tells where a query log says nothing of the time that must
// be covered: at its start, at its end, and in between. Entries later than the
// inventory say nothing of it either.
func queryLogProblems(s *sentei.SourceStatus, at time.Time, o Options) []sentei.Problem {
	var problems []sentei.Problem
	add := func(blocking bool, message, hint string) {
		problems = append(problems, sentei.Problem{
			ID:      sentei.HashID("coverage", s.Backend, s.Name, message),
			Backend: s.Backend, Source: s.Name,
			Message: message, Hint: hint, Blocking: blocking,
		})
	}
	if covered := at.Sub(s.Window.From); s.Window.From.IsZero() || covered < o.MinWindow {
		if s.Window.From.IsZero() {
			covered = 0
		}
		add(true, "the query log covers less time than analysis.min_window",
			fmt.Sprintf("it covers %s of %s: wait, keep older log files in its path, or lower analysis.min_window",
				round(covered), round(o.MinWindow)))
	}
	if lag := at.Sub(lastEntry(s, at)); !s.Window.To.IsZero() && lag > o.MaxLag {
		add(true, "the query log ends long before the inventory",
			fmt.Sprintf("its last entry is %s older: is the log still written to this path? (analysis.max_lag is %s)",
				round(lag), round(o.MaxLag)))
	}
	if gaps, longest := gapsWithin(s, at, o); gaps > 0 {
		what := "no entry"
		if gaps > 1 {
			what = fmt.Sprintf("%d spans without an entry, the longest", gaps)
		}
		add(true, "the query log has gaps",
			fmt.Sprintf("%s from %s for %s: name the missing files, or raise analysis.max_lag (%s) if nothing was asked then",
				what, longest.From.UTC().Format(time.RFC3339), round(longest.Duration()), round(o.MaxLag)))
	}
	if ahead := s.Window.To.Sub(at); ahead > clockSlack {
		add(false, "the query log holds entries later than the inventory",
			fmt.Sprintf("by up to %s: they count as use. If the inventory is up to date, correct the clock of the server", round(ahead)))
	}
	return problems
}

// lastEntry returns the time of the last entry that is not of the future. When
// entries stand before and after at without a gap, that is at itself.
func lastEntry(s *sentei.SourceStatus, at time.Time) time.Time {
	end := at.Add(clockSlack)
	if !s.Window.To.After(end) {
		return s.Window.To
	}
	for _, g := range s.Gaps {
		if !g.From.After(end) && g.To.After(end) {
			return g.From
		}
	}
	return at
}

// gapsWithin counts the gaps that matter in the time that must be covered, and
// returns the longest of them. A gap that goes on into the future is none: with
// it, the log ended.
func gapsWithin(s *sentei.SourceStatus, at time.Time, o Options) (gaps int, longest sentei.Window) {
	start, end := at.Add(-o.MinWindow), at.Add(clockSlack)
	for _, g := range s.Gaps {
		from, to := g.From, g.To
		if from.Before(start) {
			from = start
		}
		if to.After(at) {
			to = at
		}
		if g.To.After(end) || to.Sub(from) <= o.MaxLag+gapSlack {
			continue
		}
		gaps++
		if g.Duration() > longest.Duration() {
			longest = g
		}
	}
	return gaps, longest
}

func round(d time.Duration) model.Duration {
	switch {
	case d >= time.Hour:
		return model.Duration(d.Truncate(time.Minute))
	case d < time.Second:
		return 0
	default:
		return model.Duration(d.Truncate(time.Second))
	}
}

// maxReasons bounds the reasons that stand at every unknown metric; the
// report's problems hold all of them.
const maxReasons = 3

// blockers returns why "unused" cannot be said, in words; none when it can.
func blockers(problems []sentei.Problem) []string {
	var reasons []string
	for i := range problems {
		p := &problems[i]
		if !p.Blocking || p.Accepted != "" {
			continue
		}
		reason := p.Message
		if p.Where != "" {
			reason = p.Where + ": " + reason
		}
		if p.Source != "" {
			reason = p.Source + ": " + reason
		}
		reasons = append(reasons, reason)
	}
	slices.Sort(reasons)
	reasons = slices.Compact(reasons)
	if more := len(reasons) - maxReasons; more > 0 {
		reasons = append(reasons[:maxReasons:maxReasons], fmt.Sprintf("and %d more problems", more))
	}
	return reasons
}
