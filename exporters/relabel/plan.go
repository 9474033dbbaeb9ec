package relabel

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sentei/sentei"
)

// A rule holds no more names than a reader can take in.
const (
	maxNames      = 60
	maxRegexBytes = 4096
)

// rule is one relabel rule: it drops the metrics, of one stored job or, if job
// is empty, of whatever passes.
type rule struct {
	job       string
	separator string // between name and job
	proposals []sentei.Proposal
}

// jobPlan is what to add to one scrape job.
type jobPlan struct {
	backend   *sentei.Backend
	scrapeJob *sentei.ScrapeJob
	rules     []rule
}

// plan groups the proposals of a backend into rules, sorted by scrape job, job
// and metric.
func plan(r *sentei.Report, b *sentei.Backend) ([]jobPlan, error) {
	type group struct{ scrapeJob, job string }
	groups := map[group][]sentei.Proposal{}
	for _, p := range r.Proposals {
		if p.Place.Backend != b.Name {
			continue
		}
		if p.Action.Kind != sentei.DropMetric {
			return nil, fmt.Errorf("write proposal %s: there is no relabel rule for %s", p.ID, p.Action.Kind)
		}
		if !utf8.ValidString(p.Action.Metric) || !utf8.ValidString(p.Place.Job) || p.Action.Metric == "" || p.Place.Job == "" {
			return nil, fmt.Errorf("write proposal %s: no relabel rule can name metric %q of job %q", p.ID, p.Action.Metric, p.Place.Job)
		}
		g := group{p.Place.ScrapeJob, ""}
		if p.Place.Shared {
			g.job = p.Place.Job
		}
		groups[g] = append(groups[g], p)
	}
	keys := slices.SortedFunc(maps.Keys(groups), func(a, b group) int {
		return cmp.Or(strings.Compare(a.scrapeJob, b.scrapeJob), strings.Compare(a.job, b.job))
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
		rules, err := chunk(k.job, groups[k])
		if err != nil {
			return nil, err
		}
		last := &plans[len(plans)-1]
		last.rules = append(last.rules, rules...)
	}
	return plans, nil
}

// checkBackends refuses proposals that no backend of the report would write.
func checkBackends(r *sentei.Report) error {
	for _, p := range r.Proposals {
		if !slices.ContainsFunc(r.Backends, func(b sentei.Backend) bool { return b.Name == p.Place.Backend }) {
			return fmt.Errorf("write proposal %s: there is no backend %q", p.ID, p.Place.Backend)
		}
	}
	return nil
}

// chunk splits the proposals into rules of a readable size.
func chunk(job string, proposals []sentei.Proposal) ([]rule, error) {
	slices.SortFunc(proposals, func(a, b sentei.Proposal) int {
		return cmp.Or(strings.Compare(a.Action.Metric, b.Action.Metric), strings.Compare(a.ID, b.ID))
	})
	separator, err := separatorFor(job, proposals)
	if err != nil {
		return nil, err
	}
	var rules []rule
	size := 0
	for _, p := range proposals {
		n := len(literal(p.Action.Metric)) + 1
		if len(rules) == 0 || size+n > maxRegexBytes || len(rules[len(rules)-1].proposals) == maxNames {
			rules = append(rules, rule{job: job, separator: separator})
			size = 0
		}
		last := &rules[len(rules)-1]
		last.proposals = append(last.proposals, p)
		size += n
	}
	return rules, nil
}

// separatorFor returns a separator that stands neither in the job nor in the
// metrics. The joined string then has it exactly once, so that no other pair
// of name and job, known or not, gives the same string.
func separatorFor(job string, proposals []sentei.Proposal) (string, error) {
	if job == "" {
		return "", nil
	}
	for _, s := range []string{";", "@", "|", "#", "%", "=", "~", ",", " ", "\u241f"} {
		if !strings.Contains(job, s) && !slices.ContainsFunc(proposals, func(p sentei.Proposal) bool {
			return strings.Contains(p.Action.Metric, s)
		}) {
			return s, nil
		}
	}
	return "", fmt.Errorf("write proposal %s: no separator is left between the metric names and job %q", proposals[0].ID, job)
}

// regex returns the anchored expression of the rule: a flat alternation.
func (r *rule) regex() string { return strings.Join(r.regexLines(), "") }

// regexLines returns the expression cut into pieces, one for each name.
func (r *rule) regexLines() []string {
	var names []string
	for _, p := range r.proposals {
		names = append(names, literal(p.Action.Metric))
	}
	names = slices.Compact(names)
	for i := range names[:len(names)-1] {
		names[i] += "|"
	}
	if r.job == "" {
		return names
	}
	return slices.Concat([]string{"("}, names, []string{")" + literal(r.separator) + literal(r.job)})
}

// literal returns an expression that matches the text alone, in characters
// that every editor shows.
func literal(s string) string {
	var b strings.Builder
	for _, r := range regexp.QuoteMeta(s) {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\x{%x}`, r)
		}
	}
	return b.String()
}
