package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sentei/sentei"
)

// leftOut gathers what is unused and cannot be proposed, so that it is told in
// one line a job.
type leftOut struct {
	jobs      map[string]*heap // by stored job
	recorded  heap
	elsewhere map[[2]string]*heap // by another backend, and what is the matter there
}

// heap is some metrics and what they cost.
type heap struct {
	names []string
	cost  sentei.Cost
}

func newLeftOut() *leftOut {
	return &leftOut{jobs: map[string]*heap{}, elsewhere: map[[2]string]*heap{}}
}

func (l *leftOut) add(job, metric string, cost sentei.Cost) {
	if l.jobs[job] == nil {
		l.jobs[job] = &heap{}
	}
	l.jobs[job].add(metric, cost)
}

func (l *leftOut) addElsewhere(backend, why, metric string, cost sentei.Cost) {
	k := [2]string{backend, why}
	if l.elsewhere[k] == nil {
		l.elsewhere[k] = &heap{}
	}
	l.elsewhere[k].add(metric, cost)
}

func (h *heap) add(metric string, cost sentei.Cost) {
	h.names = append(h.names, metric)
	h.cost = h.cost.Plus(cost)
}

// String returns "2 unused metrics with 30 series (a, b)", with no more than
// three names.
func (h *heap) String() string {
	names := slices.Compact(slices.Sorted(slices.Values(h.names)))
	text := strings.Join(names[:min(len(names), 3)], ", ")
	if len(names) > 3 {
		text += ", …"
	}
	return fmt.Sprintf("%s with %s (%s)", count(len(names), "unused metric"), count(h.cost.Series, "series"), text)
}

// problems tells what was left out of the backend. None of it blocks: it is
// about proposals, not about verdicts.
func (l *leftOut) problems(b *sentei.Backend) []sentei.Problem {
	var out []sentei.Problem
	add := func(where, message, hint string) {
		out = append(out, problem(sentei.Problem{
			Backend: b.Name, Source: dropUnusedMetricKind, Where: where, Message: "not proposed: " + message, Hint: hint,
		}))
	}
	if len(b.ScrapeJobs) == 0 {
		if len(l.jobs) > 0 {
			all := heap{}
			for _, job := range slices.Sorted(maps.Keys(l.jobs)) {
				for _, name := range l.jobs[job].names {
					all.add(name, sentei.Cost{})
				}
				all.cost = all.cost.Plus(l.jobs[job].cost)
			}
			add("", all.String()+", because no scrape job of this backend is known",
				"set prometheus_config to your prometheus.yml, or add the inventory source prometheus")
		}
		l.jobs = nil
	}
	for _, job := range slices.Sorted(maps.Keys(l.jobs)) {
		if job == "" {
			add("", l.jobs[job].String()+", because they have no job label, so it is not known what brings them",
				"drop them where they are sent from")
			continue
		}
		add(fmt.Sprintf("job %q", job), fmt.Sprintf("%s, because job %q is not fed by a scrape job known here", l.jobs[job], job),
			unfedHint(b))
	}
	for _, k := range slices.SortedFunc(maps.Keys(l.elsewhere), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
		add(fmt.Sprintf("backend %s", k[0]), fmt.Sprintf("%s, because backend %s %s", l.elsewhere[k], k[0], k[1]), "if none of its series come from here, set isolated for this backend")
	}
	if len(l.recorded.names) > 0 {
		add("", l.recorded.String()+", because recording rules write them, which no relabel rule reaches",
			"delete the recording rules, if they are yours")
	}
	return out
}

func unfedHint(b *sentei.Backend) string {
	hint := "if it is pushed or remote written, drop it at the sender; if a file of scrape_config_files scrapes it, put that file where prometheus_config finds it"
	var honor []string
	for i := range b.ScrapeJobs {
		if b.ScrapeJobs[i].HonorLabels {
			honor = append(honor, b.ScrapeJobs[i].Name)
		}
	}
	switch {
	case len(honor) > 3:
		hint += fmt.Sprintf("; it may also come through one of %d scrape jobs whose targets may bring job labels of their own", len(honor))
	case len(honor) > 0:
		hint += "; it may also come through " + strings.Join(honor, ", ") + ", whose targets may bring job labels of their own"
	}
	return hint
}

// count returns "1 rule", "2 rules", "2 series".
func count[N int | int64](n N, noun string) string {
	switch {
	case n == 1:
	case strings.HasSuffix(noun, "ss"):
		noun += "es"
	case !strings.HasSuffix(noun, "s"):
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
