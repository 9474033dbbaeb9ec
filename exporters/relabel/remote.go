package relabel

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v2"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/relabeling"
)

// remotePlan is what to add to the write_relabel_configs of one entry of
// remote_write.
type remotePlan struct {
	sender  *sentei.Backend
	entry   string // its name or URL
	jobPlan        // of the receiver, without a scrape job
}

// remotes reports whether write_relabel_configs carry out the proposal.
func remotes(p *sentei.Proposal) bool {
	return p.Place.RemoteWrite != "" && p.Place.Receiver != "" && (p.Action.Kind == sentei.DropMetric || p.Action.Kind == sentei.DropValues)
}

// remotePlans groups the proposals for the remote_write entries of a sender
// into rules, sorted by entry and what they do.
func remotePlans(r *sentei.Report, sender *sentei.Backend, proposals []sentei.Proposal) ([]remotePlan, error) {
	type group struct {
		entry, receiver string
		what
	}
	groups := map[group][]sentei.Proposal{}
	for _, p := range proposals {
		if _, err := relabeling.Configs(&p); err != nil {
			return nil, fmt.Errorf("write proposal %s: %w", p.ID, err)
		}
		g := group{p.Place.RemoteWrite, p.Place.Receiver, whatOf(&p)}
		groups[g] = append(groups[g], p)
	}
	keys := slices.SortedFunc(maps.Keys(groups), func(a, b group) int {
		return cmp.Or(strings.Compare(a.entry, b.entry), strings.Compare(a.receiver, b.receiver), compareWhat(a.what, b.what))
	})
	var plans []remotePlan
	for _, k := range keys {
		rules, err := chunk(k.what, groups[k])
		if err != nil {
			return nil, err
		}
		if n := len(plans); n == 0 || plans[n-1].entry != k.entry || plans[n-1].backend.Name != k.receiver {
			i := slices.IndexFunc(r.Backends, func(b sentei.Backend) bool { return b.Name == k.receiver })
			if i < 0 {
				return nil, fmt.Errorf("write proposal %s: there is no backend %q", groups[k][0].ID, k.receiver)
			}
			plans = append(plans, remotePlan{sender: sender, entry: k.entry, jobPlan: jobPlan{backend: &r.Backends[i]}})
		}
		last := &plans[len(plans)-1]
		last.rules = append(last.rules, rules...)
	}
	return plans, nil
}

// remoteDocument returns the rules for all remote_write entries of a backend as
// a YAML document, read back and checked; "" when there are none.
func remoteDocument(r *sentei.Report, b *sentei.Backend) (string, error) {
	proposals := slices.DeleteFunc(slices.Clone(r.Proposals), func(p sentei.Proposal) bool { return p.Place.Backend != b.Name || !remotes(&p) })
	plans, err := remotePlans(r, b, proposals)
	if err != nil || len(plans) == 0 {
		return "", err
	}
	var out strings.Builder
	fmt.Fprintf(&out, "---\n# What backend %s sends and nobody reads where it is sent to: %s.\n"+
		"# Append the rules of each entry at the end of its write_relabel_configs.\nremote_write:\n", printable(b.Name), saving(r, proposals))
	for i := range plans {
		p := &plans[i]
		fmt.Fprintf(&out, "  # To backend %s.\n  - %s: %s\n    write_relabel_configs:\n", printable(p.backend.Name), p.key(), quote(p.entry))
		out.WriteString(indent(p.items(r, promItem), "      "))
	}
	var back struct {
		RemoteWrite []struct {
			Name  string            `yaml:"name"`
			URL   string            `yaml:"url"`
			Rules []*relabel.Config `yaml:"write_relabel_configs"`
		} `yaml:"remote_write"`
	}
	if err := yaml.UnmarshalStrict([]byte(out.String()), &back); err != nil {
		return "", fmt.Errorf("read back the rules: %w", err)
	}
	if len(back.RemoteWrite) != len(plans) {
		return "", fmt.Errorf("read back the rules: %d entries of remote_write were written, %d are read", len(plans), len(back.RemoteWrite))
	}
	for i := range plans {
		if e := &back.RemoteWrite[i]; e.Name+e.URL != plans[i].entry {
			return "", fmt.Errorf("read back the rules: the entry %q of remote_write is read as %q", plans[i].entry, e.Name+e.URL)
		}
		if err := validate(back.RemoteWrite[i].Rules); err != nil {
			return "", err
		}
		if err := plans[i].check(r, back.RemoteWrite[i].Rules); err != nil {
			return "", err
		}
	}
	return out.String(), nil
}

// key is what the entry is known by in prometheus.yml.
func (p *remotePlan) key() string {
	if strings.Contains(p.entry, "://") {
		return "url"
	}
	return "name"
}

// check executes the rules over every known series of the sender: they must do
// what was proposed, and what they drop must be unused at the receiver.
func (p *remotePlan) check(r *sentei.Report, rules []*relabel.Config) error {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("check the rules of remote_write %q: %w", p.entry, fmt.Errorf(format, args...))
	}
	if len(rules) != len(p.rules) {
		return fail("%d were written, %d are read back", len(p.rules), len(rules))
	}
	about := map[string][]*sentei.Proposal{} // by metric
	for _, proposal := range p.proposals() {
		about[proposal.Action.Metric] = append(about[proposal.Action.Metric], proposal)
		if !unusedAt(r.Metric(p.backend.Name, proposal.Action.Metric), proposal) {
			return fail("metric %q is not unused in backend %s, and proposal %s takes of it", proposal.Action.Metric, p.backend.Name, proposal.ID)
		}
	}
	for i := range r.Metrics {
		m := &r.Metrics[i]
		if m.Backend != p.sender.Name {
			continue
		}
		for k := range m.Jobs {
			for _, l := range probes(series{m.Name, m.Jobs[k].Job}, &m.Jobs[k], about[m.Name]) {
				want, keep := l, true
				for _, proposal := range about[m.Name] {
					if keep {
						want, keep = relabeling.Planned(proposal, want)
					}
				}
				if got, kept := process(rules, l); kept != keep || kept && !labels.Equal(got, want) {
					return fail("%s: kept %v, and it should be %v", l, kept, keep)
				}
			}
		}
		delete(about, m.Name)
	}
	for metric := range about {
		return fail("metric %q is not known in backend %s", metric, p.sender.Name)
	}
	return nil
}

// unusedAt reports whether the receiver has no use for what the proposal drops.
func unusedAt(m *sentei.MetricReport, p *sentei.Proposal) bool {
	if m == nil {
		return false
	}
	for k := range m.Jobs {
		if (!p.Place.Shared || m.Jobs[k].Job == p.Place.Job) && !unused(m, k, p) {
			return false
		}
	}
	return true
}
