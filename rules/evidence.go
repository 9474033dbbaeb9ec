package rules

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sentei/sentei"
)

// storedEvidence says what is stored, with the query that counts it.
func storedEvidence(b *sentei.Backend, m *sentei.MetricReport, job *sentei.JobMetric) []sentei.Evidence {
	claim := fmt.Sprintf("%s get samples now, %.2f a second", count(job.Cost.Series, "series"), job.Cost.SamplesPerSecond)
	if days := b.To.Sub(b.From); days > 0 {
		claim += fmt.Sprintf("; %d were stored between %s and %s", job.Cost.SeriesInSpan,
			b.From.UTC().Format(time.RFC3339), b.To.UTC().Format(time.RFC3339))
	}
	return []sentei.Evidence{{Claim: claim + ".", Query: countQuery(m.Name, job.Job)}}
}

// countQuery is the PromQL that counts the series by hand.
func countQuery(metric, job string) string {
	return fmt.Sprintf("count({__name__=%s,job=%s})", strconv.Quote(metric), strconv.Quote(job))
}

// readSoFar says which consumers were looked at, and what of the usage sources
// covers which time. It is the same for all proposals of a backend.
func readSoFar(r *sentei.Report, backend string) []sentei.Evidence {
	kinds := []sentei.ConsumerKind{sentei.AlertingRule, sentei.RecordingRule, sentei.Dashboard, sentei.Query, sentei.Declared}
	found := map[sentei.ConsumerKind]int{}
	total := 0
	for i := range r.Consumers {
		c := &r.Consumers[i]
		old := c.Kind == sentei.Query && c.LastSeen.Before(r.At.Add(-r.Settings.Window))
		if c.Backend == backend && !c.Dead && !old {
			found[c.Kind]++
			total++
		}
	}
	var parts []string
	for _, kind := range kinds {
		if n := found[kind]; n > 0 {
			parts = append(parts, plural(n, kind))
		}
	}
	var out []sentei.Evidence
	if total > 0 {
		out = append(out, sentei.Evidence{Claim: fmt.Sprintf("None of %s can select a series of it: %s.",
			count(total, "consumer"), strings.Join(parts, ", "))})
	}
	return append(out, sourcesRead(r, backend)...)
}

// sourcesRead says what was read of the usage sources, and which of their
// problems were accepted.
func sourcesRead(r *sentei.Report, backend string) []sentei.Evidence {
	var out []sentei.Evidence
	for i := range r.Sources {
		s := &r.Sources[i]
		if s.Backend != backend || s.Class == "" || !s.Up {
			continue
		}
		claim := fmt.Sprintf("Read: %s, %s", s.Name, count(s.Items, "consumer"))
		if !s.Window.From.IsZero() {
			claim += fmt.Sprintf(", from %s to %s", s.Window.From.UTC().Format(time.RFC3339), s.Window.To.UTC().Format(time.RFC3339))
		}
		out = append(out, sentei.Evidence{Claim: claim + "."})
	}
	for i := range r.Problems {
		if p := &r.Problems[i]; p.Backend == backend && p.Blocking && p.Accepted != "" {
			out = append(out, sentei.Evidence{Claim: fmt.Sprintf("A problem was accepted (%s): %s: %s", p.Accepted, p.Source, p.Message)})
		}
	}
	return out
}

// plural returns "2 alerting rules", "1 query", "3 declared consumers".
func plural(n int, kind sentei.ConsumerKind) string {
	switch kind {
	case sentei.Query:
		if n != 1 {
			return fmt.Sprintf("%d queries", n)
		}
	case sentei.Declared:
		return count(n, "declared consumer")
	case sentei.Dashboard:
		if n != 1 {
			return fmt.Sprintf("%d dashboard expressions", n)
		}
		return "1 dashboard expression"
	}
	return count(n, string(kind))
}

// deadReaders names the dead recording rules that read the metric.
func (x *index) deadReaders(m *sentei.MetricReport, k int) []sentei.Evidence {
	var out []sentei.Evidence
	for _, id := range m.JobUsage[k].DeadReaders {
		if c := x.consumers[id]; c != nil {
			out = append(out, sentei.Evidence{Claim: fmt.Sprintf("Only %s reads it, and nobody reads %s.", describe(c), c.Records), Query: fmt.Sprintf("{__name__=%s}", strconv.Quote(c.Records))})
		}
	}
	return out
}

// feederEvidence says where the saving is counted, if there is a choice.
func feederEvidence(feeders []*sentei.ScrapeJob, job string) []sentei.Evidence {
	if len(feeders) < 2 {
		return nil
	}
	names := make([]string, len(feeders))
	for i, f := range feeders {
		names[i] = f.Name
	}
	return []sentei.Evidence{{Claim: fmt.Sprintf("Series of job %q may come through the scrape jobs %s; all of them need the rule, and the saving is counted at %s.",
		job, strings.Join(names, ", "), names[0])}}
}

// risk says what the proof cannot know, and what is special about the metric.
func (x *index) risk(m *sentei.MetricReport, k int) string {
	var text strings.Builder
	text.WriteString("Readers that leave no trace in the sources read would miss it, and so would somebody who wants to look back at this time later.")
	for _, id := range m.JobUsage[k].DeadReaders {
		if c := x.consumers[id]; c != nil {
			fmt.Fprintf(&text, " The recording rule %s will record nothing more, which nobody reads.", c.Records)
		}
	}
	for _, name := range siblings(m.Name) {
		if other := x.metric(m.Backend, name); other != nil {
			if verdict := verdictIn(other, m.Jobs[k].Job); verdict != "" && verdict != sentei.Unused {
				fmt.Fprintf(&text, " It is a part of a histogram or summary: %s is %s and stays.", name, verdict)
			}
		}
	}
	return text.String()
}

// verdictIn returns the verdict for the metric in a job, "" when it has no
// series with the job.
func verdictIn(m *sentei.MetricReport, job string) sentei.Verdict {
	for i := range m.Jobs {
		if m.Jobs[i].Job == job && i < len(m.JobUsage) {
			return m.JobUsage[i].Verdict
		}
	}
	return ""
}

// siblings returns the names of the other parts of a classic histogram or
// summary that the metric may be a part of.
func siblings(metric string) []string {
	base := metric
	for _, suffix := range []string{"_bucket", "_count", "_sum"} {
		if s, ok := strings.CutSuffix(metric, suffix); ok {
			base = s
		}
	}
	var out []string
	for _, suffix := range []string{"", "_bucket", "_count", "_sum"} {
		if name := base + suffix; name != metric {
			out = append(out, name)
		}
	}
	return out
}

// shellWord quotes a name for a shell, if it needs that.
func shellWord(s string) string {
	for _, r := range s {
		if r != '_' && r != ':' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
		}
	}
	return s
}
