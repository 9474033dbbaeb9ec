package analyzer

import (
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/common/model"

	"github.com/sentei/sentei"
)

// coverageProblems makes a blocking problem of every required class of usage
// that no source covers, and of every query log that is too short or stalled.
func coverageProblems(c *collection, at time.Time, o Options) []sentei.Problem {
	var problems []sentei.Problem
	add := func(source, message, hint string) {
		problems = append(problems, sentei.Problem{
			ID:      sentei.HashID("coverage", c.backend.Name, source, message),
			Backend: c.backend.Name, Source: source,
			Message: message, Hint: hint, Blocking: true,
		})
	}
	for _, class := range o.Require {
		if !slices.ContainsFunc(c.backend.Usage, func(u UsageSource) bool { return u.Class == class }) {
			add("", fmt.Sprintf("no source of %s is configured", class),
				fmt.Sprintf("add one under usage, or take %q out of analysis.require if there are none", class))
		}
	}
	for _, s := range c.status {
		if s.Class != sentei.ClassQueries || !s.Up {
			continue
		}
		if covered := at.Sub(s.Window.From); s.Window.From.IsZero() || covered < o.MinWindow {
			if s.Window.From.IsZero() {
				covered = 0
			}
			add(s.Name, "the query log covers less time than analysis.min_window",
				fmt.Sprintf("it covers %s of %s: wait, keep older log files in its path, or lower analysis.min_window",
					round(covered), round(o.MinWindow)))
		}
		if lag := at.Sub(s.Window.To); !s.Window.To.IsZero() && lag > o.MaxLag {
			add(s.Name, "the query log ends long before the inventory",
				fmt.Sprintf("its last entry is %s older: is the log still written to this path? (analysis.max_lag is %s)",
					round(lag), round(o.MaxLag)))
		}
	}
	return problems
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
