// Package rules makes proposals, one file a kind of proposal. In goes a
// sentei.Report with its verdicts, and a way to list the stored series; out
// come sentei.Proposals that do not overlap and that have been proven safe
// once more, findings, and the reasons for what is not proposed as Problems.
//
// The stages: every rule proposes from the report alone, exempt.go leaves out
// what the configuration exempts and resolve.go what overlaps, prove.go checks each proposal on paper, from the consumers,
// and execute.go runs its relabel rules over the stored series.
package rules

import (
	"cmp"
	"context"
	"slices"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promconfig"
	"github.com/sentei/sentei/internal/source"
)

// Input is what proposals are made from. It is not changed.
type Input struct {
	Report *sentei.Report
	// Series lists the series of each backend, by its name. Backends whose
	// inventory cannot list them are missing.
	Series map[string]sentei.SeriesReader
	// Configs is the prometheus.yml of each backend that has one, by name.
	Configs map[string]Config
	// Exemptions are what must not be proposed.
	Exemptions []sentei.Exemption

	found *index // made when it is first asked for
}

// Config is a configuration file of the user.
type Config struct {
	Path    string // to name it by
	Content []byte
	// Included are the files of scrape_config_files.
	Included []promconfig.File
}

// index returns the metrics and consumers of the report by name.
func (in *Input) index() *index {
	if in.found == nil {
		in.found = newIndex(in.Report)
	}
	return in.found
}

// Made is what comes of one rule, or of all.
type Made struct {
	Proposals []sentei.Proposal
	Findings  []sentei.Finding
	// Problems are what would be proposed if more were known.
	Problems []sentei.Problem
}

func (m *Made) add(o Made) {
	m.Proposals = append(m.Proposals, o.Proposals...)
	m.Findings = append(m.Findings, o.Findings...)
	m.Problems = append(m.Problems, o.Problems...)
}

// Rule makes proposals of one kind.
type Rule interface {
	// Propose returns what it has to say in a definite order. The error is
	// for a context that has ended.
	Propose(ctx context.Context, in *Input) (Made, error)
}

// Info describes a rule.
type Info = source.Info[Rule]

// All lists every rule. Where proposals overlap, the rule that comes first
// wins.
func All() []Info {
	return []Info{
		dropUnusedMetric(),
		deleteDeadRule(),
		dropUnusedBuckets(),
		dropUnusedValues(),
		mergeConstantSeries(),
		stripUnusedLabel(),
		longerScrapeInterval(),
		nativeHistograms(),
		cutRemoteWrite(),
		preAggregate(),
		noOpRelabelRule(),
		duplicateSeries(),
	}
}

// Propose runs the rules over the report and returns their proposals, the
// biggest saving first. Overlaps are resolved, so savings may be added up. A
// proposal whose proof does not hold is withdrawn and becomes a problem, and
// those of its group go with it. The error is for a context that has ended.
func Propose(ctx context.Context, in *Input, rules []Rule) (Made, error) {
	var all Made
	for _, rule := range rules {
		made, err := rule.Propose(ctx, in)
		if err != nil {
			return Made{}, err
		}
		all.add(made)
	}
	in.index().group(all.Proposals)
	free, held := exempt(in, all.Proposals)
	all.Findings = append(all.Findings, held...)
	proposed := resolve(free)
	in.index().group(proposed) // a group bears the name of one that is left
	proven, refuted := prove(in, proposed)
	executed, wrong, err := execute(ctx, in, proven)
	if err != nil {
		return Made{}, err
	}
	all.Proposals = together(proposed, executed)
	all.Problems = slices.Concat(all.Problems, refuted, wrong)
	slices.SortFunc(all.Proposals, compare)
	slices.SortFunc(all.Findings, compareFindings)
	return all, nil
}

func compare(a, b sentei.Proposal) int {
	return cmp.Or(
		cmp.Compare(b.SavingPerMonth, a.SavingPerMonth),
		cmp.Compare(b.Saving.Series, a.Saving.Series),
		cmp.Compare(b.Saving.SamplesPerSecond, a.Saving.SamplesPerSecond),
		cmp.Compare(a.Place.Backend, b.Place.Backend),
		cmp.Compare(a.Place.ScrapeJob, b.Place.ScrapeJob),
		cmp.Compare(a.Place.RemoteWrite, b.Place.RemoteWrite),
		cmp.Compare(a.Place.Job, b.Place.Job),
		cmp.Compare(a.Action.Metric, b.Action.Metric),
		cmp.Compare(a.ID, b.ID),
	)
}

func compareFindings(a, b sentei.Finding) int {
	return cmp.Or(
		cmp.Compare(a.Backend, b.Backend),
		cmp.Compare(a.Rule, b.Rule),
		cmp.Compare(a.Where, b.Where),
		cmp.Compare(a.Message, b.Message),
	)
}

// problem fills in the identifier, in the way of source.Env.Problem.
func problem(p sentei.Problem) sentei.Problem {
	p.ID = sentei.HashID("problem", p.Backend, p.Source, p.Where, p.Message)
	return p
}
