package relabeling

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"

	"github.com/sentei/sentei"
)

// Scope says which series pass the rules. Series that Prometheus writes
// itself (recorded ones, alerts, report samples of scrapes) never do.
type Scope struct {
	// All says that every series passes; the other fields do not count then.
	All bool
	// Jobs are the stored job labels of the series that pass.
	Jobs []string
	// Others says that series pass, too, whose job label is not in Known:
	// those that a scrape job with honor_labels may have brought.
	Others bool
	Known  []string
	// Written says that the rules are those of a remote_write entry, which
	// the series that Prometheus writes itself pass as well.
	Written bool
}

// ScopeOf returns the scope of the rules of a scrape job of the backend, and
// whether the backend has such a job.
func ScopeOf(b *sentei.Backend, scrapeJob string) (Scope, bool) {
	i := slices.IndexFunc(b.ScrapeJobs, func(s sentei.ScrapeJob) bool { return s.Name == scrapeJob })
	if i < 0 {
		return Scope{}, false
	}
	s := Scope{Jobs: b.ScrapeJobs[i].JobLabels, Others: b.ScrapeJobs[i].HonorLabels || b.ScrapeJobs[i].OpenJobs}
	if s.Others {
		for k := range b.ScrapeJobs {
			s.Known = append(s.Known, b.ScrapeJobs[k].JobLabels...)
		}
	}
	return s, true
}

// Has reports whether a series passes the rules.
func (s *Scope) Has(l labels.Labels) bool {
	if s.Written {
		return s.All || slices.Contains(s.Jobs, l.Get(model.JobLabel))
	}
	name := l.Get(model.MetricNameLabel)
	if name == "ALERTS" || name == "ALERTS_FOR_STATE" {
		return false
	}
	job := l.Get(model.JobLabel)
	if !s.All && !slices.Contains(s.Jobs, job) {
		// Report samples among them are those of another Prometheus.
		return s.Others && !slices.Contains(s.Known, job)
	}
	return name != "up" && !strings.HasPrefix(name, "scrape_")
}

// Matchers narrows a selection down to what can be in the scope.
func (s *Scope) Matchers() []*labels.Matcher {
	if s.All || s.Others {
		return nil
	}
	var jobs []string
	for _, j := range s.Jobs {
		jobs = append(jobs, regexp.QuoteMeta(j))
	}
	return []*labels.Matcher{labels.MustNewMatcher(labels.MatchRegexp, model.JobLabel, strings.Join(jobs, "|"))}
}

// ScopeOfProposal returns which series pass the rule of a proposal.
func ScopeOfProposal(b *sentei.Backend, p *sentei.Proposal) (Scope, error) {
	if p.Place.RemoteWrite != "" {
		return Scope{All: true, Written: true}, nil
	}
	s, ok := ScopeOf(b, p.Place.ScrapeJob)
	if !ok {
		return s, fmt.Errorf("the scrape job %q is not known", p.Place.ScrapeJob)
	}
	if p.Place.Shared { // the rule asks for the stored job label
		s = Scope{Jobs: []string{p.Place.Job}}
	}
	return s, nil
}

// MayChange reports whether the rule may change the label.
func MayChange(r *relabel.Config, label string) bool {
	switch r.Action {
	case relabel.Drop, relabel.Keep, relabel.DropEqual, relabel.KeepEqual:
		return false
	case relabel.LabelDrop:
		return r.Regex.MatchString(label)
	case relabel.LabelKeep:
		return !r.Regex.MatchString(label)
	case relabel.LabelMap:
		return true
	}
	return r.TargetLabel == label || strings.Contains(r.TargetLabel, "$")
}
