package relabel

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/sentei/sentei"
)

// page is what most dialects write: comments that say what the file is and
// what it leaves out, below them the rules of each backend.
type page struct {
	title   string   // what the file holds, for the first line
	how     []string // what to do with it, a line each
	comment string   // what a comment begins with; "#" when empty
	// place returns the proposal as the dialect carries it out, or the reason
	// why it cannot. It is asked only about what relabel rules can do. When
	// nil, all of that is carried out as it stands.
	place func(*sentei.Backend, sentei.Proposal) (sentei.Proposal, string)
	// deletions says that recording rules to delete are named in comments.
	deletions bool
	// intervals says that scrape intervals to set are named in comments.
	intervals bool
	// remote says that the rules of remote_write entries are written, too.
	remote bool
	// aggregate returns a proposal to aggregate as the dialect writes it, or
	// the reason why it cannot. When nil, the dialect has no such thing.
	aggregate func(*sentei.Report, *sentei.Backend, *sentei.Proposal) (item, reason string)
	// render writes the rules of a backend, read back and checked.
	render func(r *sentei.Report, b *sentei.Backend, plans []jobPlan) (string, error)
}

// write writes the page, or nothing when it fails.
func (p *page) write(w io.Writer, r *sentei.Report, o Options) error {
	if err := checkProposals(r); err != nil {
		return err
	}
	var left leftOut
	var rules bytes.Buffer
	for i := range r.Backends {
		b := &r.Backends[i]
		plans, err := plan(r, b, p.carried(r, b, &left))
		if err != nil {
			return err
		}
		if len(plans) > 0 {
			text, err := p.render(r, b, plans)
			if err != nil {
				return err
			}
			rules.WriteString(text)
		}
		if p.remote {
			text, err := remoteDocument(r, b)
			if err != nil {
				return err
			}
			rules.WriteString(text)
		}
		if p.deletions {
			rules.WriteString(deletions(r, b, nil))
		}
		if p.intervals {
			rules.WriteString(scrapeIntervals(r, b))
		}
		if p.aggregate != nil {
			rules.WriteString(p.aggregates(r, b, &left))
		}
	}
	lines := []string{fmt.Sprintf("%s, made by sentei from its report of %s.", p.title, r.At.UTC().Format(time.RFC3339))}
	if o.Remark != "" {
		lines = append(lines, o.Remark)
	}
	switch {
	case len(r.Proposals) == 0:
		lines = append(lines, "Nothing is proposed.")
	case rules.Len() > 0:
		lines = append(lines, p.how...)
	}
	lines = append(lines, left.lines()...)
	var out bytes.Buffer
	comment := p.comment
	if comment == "" {
		comment = "#"
	}
	for _, line := range lines {
		fmt.Fprintf(&out, "%s %s\n", comment, line)
	}
	out.Write(rules.Bytes())
	_, err := out.WriteTo(w)
	return err
}

// carried returns the proposals for the backend that the dialect carries out.
// The others go to left.
func (p *page) carried(r *sentei.Report, b *sentei.Backend, left *leftOut) []sentei.Proposal {
	var out []sentei.Proposal
	for _, proposal := range r.Proposals {
		if proposal.Place.Backend != b.Name || proposal.Action.Kind == sentei.Aggregate && p.aggregate != nil ||
			proposal.Action.Kind == sentei.DeleteRules && p.deletions ||
			proposal.Action.Kind == sentei.SetInterval && p.intervals || p.remote && remotes(&proposal) {
			continue
		}
		reason := noRelabelRule(&proposal)
		if reason == "" && p.place != nil {
			proposal, reason = p.place(b, proposal)
		}
		if reason != "" {
			left.add(reason, proposal.ID)
			continue
		}
		out = append(out, proposal)
	}
	return out
}

// relabels reports whether metric_relabel_configs of a scrape job carry out
// the proposal.
func relabels(p *sentei.Proposal) bool { return noRelabelRule(p) == "" }

// noRelabelRule says why metric_relabel_configs of a scrape job cannot carry
// out the proposal; it is empty when they can.
func noRelabelRule(p *sentei.Proposal) string {
	switch p.Action.Kind {
	case sentei.DeleteRules:
		return "no relabel rule: recording rules are deleted in their rule files"
	case sentei.SetInterval:
		return "no relabel rule: scrape_interval is set at the scrape job itself (dialect diff)"
	case sentei.ConvertHistograms:
		return "no relabel rule: set convert_classic_histograms_to_nhcb at the scrape job, and rewrite the queries"
	case sentei.Aggregate:
		return "no relabel rule: series are combined by recording rules (dialect recording_rules), stream aggregation (vmagent) or Adaptive Metrics (adaptive_metrics)"
	}
	if p.Place.RemoteWrite != "" {
		return "not at a scrape job: cut by write_relabel_configs of the remote write " + p.Place.RemoteWrite
	}
	return ""
}

// leftOut is what a dialect cannot express: identifiers of proposals by the
// reason.
type leftOut struct{ ids map[string][]string }

func (l *leftOut) add(reason, id string) {
	if l.ids == nil {
		l.ids = map[string][]string{}
	}
	l.ids[reason] = append(l.ids[reason], id)
}

// lines says what is left out and why, sorted; none when nothing is.
func (l *leftOut) lines() []string {
	var reasons []string
	n := 0
	for reason, ids := range l.ids {
		reasons = append(reasons, reason)
		n += len(ids)
	}
	if n == 0 {
		return nil
	}
	slices.Sort(reasons)
	noun := "proposals"
	if n == 1 {
		noun = "proposal"
	}
	lines := []string{fmt.Sprintf("Not here: %d %s.", n, noun)}
	for _, reason := range reasons {
		lines = append(lines, "  "+printable(reason)+":")
		slices.Sort(l.ids[reason])
		for ids := range slices.Chunk(l.ids[reason], idsPerLine) {
			lines = append(lines, "    "+strings.Join(ids, " "))
		}
	}
	return lines
}
