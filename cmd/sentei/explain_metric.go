package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/spf13/cobra"

	"github.com/sentei/sentei"
)

func newExplainMetric() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "metric NAME",
		Short: "Print the cost of a metric, every consumer, and which labels are live because of whom",
		Args:  exactly(1),
		RunE:  explainMetric,
	}
	cmd.Flags().String("backend", "", "look only in this backend")
	return cmd
}

func explainMetric(cmd *cobra.Command, args []string) error {
	r, _, err := scan(cmd, nil)
	if err != nil {
		return err
	}
	backend, _ := cmd.Flags().GetString("backend")
	found := false
	for i := range r.Metrics {
		m := &r.Metrics[i]
		if m.Name != args[0] || backend != "" && m.Backend != backend {
			continue
		}
		if found {
			fmt.Fprintln(cmd.OutOrStdout())
		}
		found = true
		if err := writeMetric(cmd.OutOrStdout(), r, m); err != nil {
			return err
		}
	}
	if !found {
		return fmt.Errorf("no metric %q is stored%s", args[0], similar(r, args[0]))
	}
	return nil
}

// similar suggests stored names that hold the one asked for.
func similar(r *sentei.Report, name string) string {
	var names []string
	for i := range r.Metrics {
		if strings.Contains(r.Metrics[i].Name, name) {
			names = append(names, r.Metrics[i].Name)
		}
	}
	names = slices.Compact(names)
	if len(names) == 0 {
		return ""
	}
	if len(names) > 5 {
		names = names[:5]
	}
	return ": did you mean " + strings.Join(names, ", ") + "?"
}

// writeMetric prints the tree: consumer, selector, the labels that it makes
// live, and which labels are dead for all.
func writeMetric(w io.Writer, r *sentei.Report, m *sentei.MetricReport) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s\n", m.Name, strings.ToUpper(string(m.Verdict)))
	if m.Help != "" {
		fmt.Fprintf(&b, "  %s\n", m.Help)
	}
	fmt.Fprintf(&b, "  backend %s, %d series (%d in %s), %.4g samples/s, %.2f %s a month, score %.2f\n",
		m.Backend, m.Cost.Series, m.Cost.SeriesInSpan, span(r, m.Backend), m.Cost.SamplesPerSecond,
		m.PerMonth, r.Settings.Prices.Currency, m.Score)
	if c := r.Consumer(m.RecordedBy); c != nil {
		fmt.Fprintf(&b, "  recorded by %s\n", c.Location)
	}
	for _, reason := range m.Reasons {
		fmt.Fprintf(&b, "  unknown because %s\n", reason)
	}
	for i := range m.Jobs {
		writeJob(&b, r, &m.Jobs[i], &m.JobUsage[i])
	}
	writeReaders(&b, r, m, "read by", m.Readers)
	writeReaders(&b, r, m, "read by recording rules whose output nobody reads", m.DeadReaders)
	_, err := io.WriteString(w, b.String())
	return err
}

func span(r *sentei.Report, backend string) model.Duration {
	for i := range r.Backends {
		if b := &r.Backends[i]; b.Name == backend {
			return model.Duration(b.To.Sub(b.From).Round(1e9))
		}
	}
	return 0
}

func externalLabels(r *sentei.Report, backend string) []string {
	for i := range r.Backends {
		if b := &r.Backends[i]; b.Name == backend {
			return b.ExternalLabels
		}
	}
	return nil
}

func quoteEmpty(job string) string {
	if job == "" {
		return `(no job label)`
	}
	return job
}

// writeReaders prints the consumers with those of their selectors that reach
// the metric.
func writeReaders(b *strings.Builder, r *sentei.Report, m *sentei.MetricReport, title string, ids []string) {
	if len(ids) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n", title)
	for _, id := range ids {
		c := r.Consumer(id)
		fmt.Fprintf(b, "  %s %s\n", c.Kind, c.Name)
		if where := c.Location.String(); where != "" {
			fmt.Fprintf(b, "    %s\n", where)
		}
		if c.Kind == sentei.Query {
			fmt.Fprintf(b, "    asked %d times, last %s\n", c.Count, lastSeen(c))
		}
		if c.Reason != "" {
			fmt.Fprintf(b, "    %s\n", c.Reason)
		}
		for i := range c.Selectors {
			if s := &c.Selectors[i]; reaches(s, m, externalLabels(r, m.Backend)) {
				fmt.Fprintf(b, "    %s\n      live labels: %s%s\n", s, s.Live, above(s))
			}
		}
	}
}

func lastSeen(c *sentei.Consumer) string {
	if c.LastSeen.IsZero() {
		return "at an unknown time"
	}
	return c.LastSeen.UTC().Format("2006-01-02 15:04 MST")
}

func reaches(s *sentei.Selector, m *sentei.MetricReport, external []string) bool {
	return slices.ContainsFunc(m.Jobs, func(j sentei.JobMetric) bool { return j.MayMatch(m.Name, s.Matchers, external) })
}

// above says what stands between the selector and the result.
func above(s *sentei.Selector) string {
	var parts []string
	if s.Hidden != "" {
		parts = append(parts, s.Hidden)
	}
	if len(s.Path) > 0 {
		parts = append(parts, "under "+strings.Join(s.Path, ", "))
	}
	if s.Range > 0 {
		parts = append(parts, "over "+model.Duration(s.Range).String())
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, "; ") + ")"
}
