package relabel

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/relabeling"
)

var recordingRulesDialect = Dialect{
	Name: "recording_rules", Extension: "yml",
	Doc: sentei.Doc{
		Title: "a rule file that stores the aggregates that are proposed, with the queries that read them",
		Text: `A file for ` + "`rule_files`" + ` of your ` + "`prometheus.yml`" + `, a group for each proposal of pre_aggregate. The raw series stay in this
Prometheus; comments say which write_relabel_configs keep them from the remote store, and what each reader there must become. Load the
rules first, change the queries once the longest range has passed, and cut the raw series last.

It is read back by Prometheus's own parser of rule files. Check it with ` + "`promtool check rules FILE`" + `. The groups of several backends
stand in documents of their own, which belong in a file each.

Not here: everything but aggregation, and of proposals that rewrite the same query all but the first.`,
		Example: `- record: 'http_inflight:max_without_instance_pod'
  expr: 'max without (instance, pod) (http_inflight)'`,
	},
	Write: writeRecordingRules,
}

func writeRecordingRules(w io.Writer, r *sentei.Report, o Options) error {
	if err := checkProposals(r); err != nil {
		return err
	}
	var left leftOut
	var docs strings.Builder
	for i := range r.Backends {
		b := &r.Backends[i]
		var groups strings.Builder
		var want []sentei.Recording
		becomes := map[string]string{} // what consumers become, by identifier
		for k := range r.Proposals {
			p := &r.Proposals[k]
			if p.Place.Backend != b.Name {
				continue
			}
			if reason := notRecorded(p, becomes); reason != "" {
				left.add(reason, p.ID)
				continue
			}
			for _, w := range p.Action.Rewrites {
				becomes[w.Consumer] = w.To
			}
			text, err := recordingGroup(r, p)
			if err != nil {
				return err
			}
			groups.WriteString(text)
			want = append(want, p.Action.Recordings...)
		}
		if groups.Len() == 0 {
			continue
		}
		doc := fmt.Sprintf("---\n# Backend %s.\ngroups:\n", printable(b.Name)) + indent(groups.String(), "  ")
		if err := checkRecordings(doc, want); err != nil {
			return err
		}
		docs.WriteString(doc)
	}
	lines := []string{fmt.Sprintf("Recording rules that store aggregates, made by sentei from its report of %s.", r.At.UTC().Format(time.RFC3339))}
	if o.Remark != "" {
		lines = append(lines, o.Remark)
	}
	if docs.Len() == 0 {
		lines = append(lines, "Nothing is proposed that recording rules carry out.")
	}
	for _, line := range append(lines, left.lines()...) {
		if _, err := fmt.Fprintf(w, "# %s\n", line); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, docs.String())
	return err
}

// notRecorded says why recording rules cannot carry out the proposal, or "".
// Consumers become something else already by the proposals before it: each was
// rewritten alone, so of two texts the second would undo the first.
func notRecorded(p *sentei.Proposal, becomes map[string]string) string {
	switch {
	case p.Action.Kind != sentei.Aggregate:
		return "no aggregation: see the dialect prometheus"
	case len(p.Action.Recordings) == 0:
		return "it has no recording rules"
	}
	for _, w := range p.Action.Rewrites {
		if to, ok := becomes[w.Consumer]; ok && to != w.To {
			return "it rewrites an expression that a proposal here rewrites, too: it follows when that one is carried out"
		}
	}
	return ""
}

// recordingGroup returns the group of rules of a proposal, as an item of groups.
func recordingGroup(r *sentei.Report, p *sentei.Proposal) (string, error) {
	var b strings.Builder
	for _, line := range aggregateComments(r, p) {
		fmt.Fprintf(&b, "# %s\n", line)
	}
	drop := *p
	drop.Action = sentei.Action{Kind: sentei.DropMetric, Metric: p.Action.Metric}
	rules, err := chunk(whatOf(&drop), []sentei.Proposal{drop})
	if err != nil {
		return "", err
	}
	b.WriteString("# At last, in the write_relabel_configs of the remote_write entry, to send the aggregate alone:\n")
	b.WriteString(indent(promItem(&rules[0]), "#   "))
	if len(p.Action.Rewrites) > 0 {
		b.WriteString("# Who reads the metric there, and what that must become:\n")
	}
	for _, w := range p.Action.Rewrites {
		who := w.Consumer
		if c := r.Consumer(who); c != nil {
			who = strings.TrimSuffix(fmt.Sprintf("%s %s, %s", c.Kind, c.Name, c.Location), ", ")
		}
		fmt.Fprintf(&b, "#   %s:\n#     %s\n#     becomes\n#     %s\n", printable(who), printable(w.From), printable(w.To))
	}
	fmt.Fprintf(&b, "- name: %s\n  interval: %s\n  rules:\n", quote(relabeling.Title(p)), model.Duration(p.Action.Interval))
	for _, rec := range p.Action.Recordings {
		fmt.Fprintf(&b, "    - record: %s\n      expr: %s\n", quote(rec.Record), quote(rec.Expr))
	}
	return b.String(), nil
}

// checkRecordings reads a document back as Prometheus does: it must hold
// exactly the rules of the proposals.
func checkRecordings(doc string, want []sentei.Recording) error {
	groups, errs := rulefmt.Parse([]byte(doc), false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
	if len(errs) > 0 {
		return fmt.Errorf("read back the recording rules: %w", errors.Join(errs...))
	}
	var got []sentei.Recording
	for _, g := range groups.Groups {
		for i := range g.Rules {
			got = append(got, sentei.Recording{Record: g.Rules[i].Record, Expr: g.Rules[i].Expr})
		}
	}
	if !slices.Equal(got, want) {
		return errors.New("read back the recording rules: they are not those of the proposals")
	}
	return nil
}
