package usage

import (
	"fmt"
	"strings"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/querylog"
)

// problems returns what the logs may hide.
func (q *queryLogSource) problems(res *querylog.Result) []sentei.Problem {
	var out []sentei.Problem
	add := func(p sentei.Problem) { out = append(out, q.env.Problem(p)) }
	for _, pattern := range res.Unmatched {
		add(sentei.Problem{
			Where: pattern, Message: "no file matches", Blocking: true,
			Hint: "correct paths, or take the pattern out",
		})
	}
	if res.Moved {
		add(sentei.Problem{
			Message: "files were rotated while they were being opened, again and again", Blocking: true,
			Hint: "scan again when the rotation is over",
		})
	}
	for _, f := range res.Files {
		q.fileProblems(f, add)
	}
	for _, format := range res.Partial {
		add(sentei.Problem{Message: "the log of the " + format + " holds slow queries only", Blocking: true, Hint: partialHint(format)})
	}
	if res.Counts.Blind > 0 {
		add(sentei.Problem{
			Message: "requests such as remote read were logged, but not what they read", Blocking: true,
			Hint: "declare what these readers need, then accept this problem",
		})
	}
	return out
}

func (q *queryLogSource) fileProblems(f querylog.File, add func(sentei.Problem)) {
	if f.Err != nil {
		add(sentei.Problem{
			Where: f.Path, Message: f.Err.Error(), Blocking: true,
			Hint: "see to it that the whole file can be read; if it was rotated just now, scan again",
		})
	}
	if n := f.Counts.Broken; n > 0 {
		blocking := n > q.options.MaxBrokenLines
		hint := ""
		if blocking {
			hint = "mend or remove the lines, or raise max_broken_lines if they hide no reader"
		}
		first := f.FirstBroken[0]
		add(sentei.Problem{
			Where:   fmt.Sprintf("%s:%d", f.Path, first.Line),
			Message: brokenMessage(n, f.FirstBroken), Hint: hint, Blocking: blocking,
		})
	}
	if f.Counts.Torn > 0 {
		add(sentei.Problem{Where: f.Path, Message: "the last line has no end yet: it is read next time"})
	}
}

// brokenMessage returns "2 lines cannot be read: line 7 (byte 4711): …".
func brokenMessage(n int64, first []querylog.BrokenLine) string {
	var b strings.Builder
	if n == 1 {
		b.WriteString("a line cannot be read")
	} else {
		fmt.Fprintf(&b, "%d lines cannot be read", n)
	}
	sep := ": "
	for _, l := range first {
		fmt.Fprintf(&b, "%sline %d (byte %d) is %s", sep, l.Line, l.Offset, l.Reason)
		sep = "; "
	}
	if n > int64(len(first)) {
		b.WriteString("; …")
	}
	return b.String()
}

func partialHint(format string) string {
	if format == "victoriametrics" {
		return "run VictoriaMetrics with -search.logSlowQueryDuration=1ns while you observe it"
	}
	return "Mimir: turn on -query-frontend.query-stats-enabled. Thanos: set --query-frontend.log-queries-longer-than below 0, " +
		"which logs every request, then accept this problem"
}
