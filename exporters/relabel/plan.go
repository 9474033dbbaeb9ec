package relabel

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/relabeling"
)

// A rule holds no more names than a reader can take in.
const (
	maxNames      = 60
	maxRegexBytes = 4096
)

// jobPlan is what to add to one scrape job.
type jobPlan struct {
	backend   *sentei.Backend
	scrapeJob *sentei.ScrapeJob
	metrics   *metricIndex // of the backend
	rules     []rule
}

// plan groups proposals of a backend, which relabel rules carry out, into
// rules, sorted by scrape job, job and what they do.
func plan(r *sentei.Report, b *sentei.Backend, proposals []sentei.Proposal) ([]jobPlan, error) {
	type group struct {
		scrapeJob string
		what
	}
	groups := map[group][]sentei.Proposal{}
	for _, p := range proposals {
		g := group{p.Place.ScrapeJob, whatOf(&p)}
		groups[g] = append(groups[g], p)
	}
	keys := slices.SortedFunc(maps.Keys(groups), func(a, b group) int {
		return cmp.Or(strings.Compare(a.scrapeJob, b.scrapeJob), compareWhat(a.what, b.what))
	})
	index := indexOf(r, b.Name)
	var plans []jobPlan
	for _, k := range keys {
		if len(plans) == 0 || plans[len(plans)-1].scrapeJob.Name != k.scrapeJob {
			// A tenant's rules see the series of any job.
			scrapeJob := &sentei.ScrapeJob{Name: tenantJob, OpenJobs: true}
			if k.scrapeJob != tenantJob {
				i := slices.IndexFunc(b.ScrapeJobs, func(s sentei.ScrapeJob) bool { return s.Name == k.scrapeJob })
				if i < 0 {
					return nil, fmt.Errorf("write proposal %s: scrape job %q is not known in backend %s", groups[k][0].ID, k.scrapeJob, b.Name)
				}
				scrapeJob = &b.ScrapeJobs[i]
			}
			plans = append(plans, jobPlan{backend: b, scrapeJob: scrapeJob, metrics: index})
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
