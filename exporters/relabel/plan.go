package relabel

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/common/model"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/relabeling"
)

// A rule holds no more names than a reader can take in.
const (
	maxNames      = 60
	maxRegexBytes = 4096
)

// rule is one relabel rule. It carries out proposals that differ in nothing but
// the metric.
type rule struct {
	what
	separator string // between the parts of the expression
	proposals []sentei.Proposal
}

// what is all that the proposals of a rule have in common.
type what struct {
	grade sentei.Grade
	kind  sentei.ActionKind
	job   string // the stored job label that the rule asks for; empty: any
	// all says that the rule is about every metric that passes.
	all    bool
	label  string
	values string // of the label, each followed by a zero byte
}

func whatOf(p *sentei.Proposal) what {
	w := what{grade: p.Grade, kind: p.Action.Kind, all: p.Action.Metric == "", label: p.Action.Label}
	if p.Place.Shared {
		w.job = p.Place.Job
	}
	for _, v := range p.Action.Values {
		w.values += v + "\x00"
	}
	return w
}

func compareWhat(a, b what) int {
	return cmp.Or(
		cmp.Compare(a.job, b.job), cmp.Compare(a.grade, b.grade), cmp.Compare(a.kind, b.kind),
		cmp.Compare(a.label, b.label), cmp.Compare(a.values, b.values),
	)
}

// jobPlan is what to add to one scrape job.
type jobPlan struct {
	backend   *sentei.Backend
	scrapeJob *sentei.ScrapeJob
	rules     []rule
}

// relabels reports whether metric_relabel_configs of a scrape job carry out
// the proposal.
func relabels(p *sentei.Proposal) bool {
	switch p.Action.Kind {
	case sentei.DropMetric, sentei.DropValues, sentei.StripLabel:
		return p.Place.RemoteWrite == ""
	}
	return false
}

// plan groups the proposals of a backend into rules, sorted by scrape job, job
// and what they do. Proposals that no relabel rule carries out are left out.
func plan(r *sentei.Report, b *sentei.Backend) ([]jobPlan, error) {
	type group struct {
		scrapeJob string
		what
	}
	groups := map[group][]sentei.Proposal{}
	for _, p := range r.Proposals {
		if p.Place.Backend != b.Name || !relabels(&p) {
			continue
		}
		g := group{p.Place.ScrapeJob, whatOf(&p)}
		groups[g] = append(groups[g], p)
	}
	keys := slices.SortedFunc(maps.Keys(groups), func(a, b group) int {
		return cmp.Or(strings.Compare(a.scrapeJob, b.scrapeJob), compareWhat(a.what, b.what))
	})
	var plans []jobPlan
	for _, k := range keys {
		if len(plans) == 0 || plans[len(plans)-1].scrapeJob.Name != k.scrapeJob {
			i := slices.IndexFunc(b.ScrapeJobs, func(s sentei.ScrapeJob) bool { return s.Name == k.scrapeJob })
			if i < 0 {
				return nil, fmt.Errorf("write proposal %s: scrape job %q is not known in backend %s", groups[k][0].ID, k.scrapeJob, b.Name)
			}
			plans = append(plans, jobPlan{backend: b, scrapeJob: &b.ScrapeJobs[i]})
		}
		rules, err := chunk(k.what, groups[k])
		if err != nil {
			return nil, err
		}
		last := &plans[len(plans)-1]
		last.rules = append(last.rules, rules...)
	}
	return plans, nil
}

// checkProposals refuses proposals that no backend of the report would write,
// and those that name what no relabel rule can name.
func checkProposals(r *sentei.Report) error {
	for i := range r.Proposals {
		p := &r.Proposals[i]
		if !slices.ContainsFunc(r.Backends, func(b sentei.Backend) bool { return b.Name == p.Place.Backend }) {
			return fmt.Errorf("write proposal %s: there is no backend %q", p.ID, p.Place.Backend)
		}
		if !relabels(p) {
			continue
		}
		if _, err := relabeling.Configs(p); err != nil {
			return fmt.Errorf("write proposal %s: %w", p.ID, err)
		}
		if p.Place.Job == "" {
			return fmt.Errorf("write proposal %s: no relabel rule can name metric %q of job %q", p.ID, p.Action.Metric, p.Place.Job)
		}
	}
	return nil
}

// chunk splits the proposals into rules of a readable size.
func chunk(w what, proposals []sentei.Proposal) ([]rule, error) {
	slices.SortFunc(proposals, func(a, b sentei.Proposal) int {
		return cmp.Or(strings.Compare(a.Action.Metric, b.Action.Metric), strings.Compare(a.ID, b.ID))
	})
	texts := []string{w.job}
	for _, p := range proposals {
		texts = append(texts, p.Action.Metric)
		texts = append(texts, p.Action.Values...)
	}
	separator, ok := relabeling.Separator(texts...)
	if !ok && len(w.sources()) > 1 {
		return nil, fmt.Errorf("write proposal %s: no separator is left between the metric names and job %q", proposals[0].ID, w.job)
	}
	var rules []rule
	size := 0
	for _, p := range proposals {
		n := len(relabeling.Literal(p.Action.Metric)) + 1
		if len(rules) == 0 || size+n > maxRegexBytes || len(rules[len(rules)-1].proposals) == maxNames {
			rules = append(rules, rule{what: w, separator: separator})
			size = 0
		}
		last := &rules[len(rules)-1]
		last.proposals = append(last.proposals, p)
		size += n
	}
	return rules, nil
}

// sources returns the labels that the expression is about, as Prometheus
// names them in source_labels; none for labeldrop.
func (w *what) sources() []string {
	var s []string
	if !w.all {
		s = append(s, model.MetricNameLabel)
	}
	if w.job != "" {
		s = append(s, model.JobLabel)
	}
	if w.kind == sentei.DropValues {
		s = append(s, w.label)
	}
	return s
}

// metrics returns the metrics of the rule, sorted.
func (r *rule) metrics() []string {
	var names []string
	for _, p := range r.proposals {
		names = append(names, p.Action.Metric)
	}
	return slices.Compact(names)
}

// regex returns the anchored expression of the rule.
func (r *rule) regex() string { return strings.Join(r.regexLines(), "") }

// regexLines returns the expression cut into pieces, one for each name and
// value.
func (r *rule) regexLines() []string {
	sources := r.sources()
	if len(sources) == 0 { // labeldrop
		return []string{relabeling.Literal(r.label)}
	}
	var lines []string
	group := func(alternatives []string) {
		for i := range alternatives[:len(alternatives)-1] {
			alternatives[i] += "|"
		}
		if len(sources) > 1 {
			alternatives = slices.Concat([]string{"("}, alternatives, []string{")"})
		}
		if n := len(lines); n > 0 { // the parenthesis stands behind what comes before
			lines[n-1] += alternatives[0]
			alternatives = alternatives[1:]
		}
		lines = append(lines, alternatives...)
	}
	if !r.all {
		var names []string
		for _, m := range r.metrics() {
			names = append(names, relabeling.Literal(m))
		}
		group(names)
	}
	between := ""
	if !r.all {
		between = relabeling.Literal(r.separator)
	}
	if r.job != "" {
		text := between + relabeling.Literal(r.job)
		if len(lines) == 0 {
			lines = []string{""}
		}
		lines[len(lines)-1] += text
		between = relabeling.Literal(r.separator)
	}
	if r.kind == sentei.DropValues {
		lines[len(lines)-1] += between
		group(relabeling.ValueRegexes(r.label, r.proposals[0].Action.Values))
	}
	return lines
}
