package relabeling

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"

	"github.com/sentei/sentei"
)

// Change says in a few words what an action does.
func Change(a *sentei.Action) string {
	metric := a.Metric
	if metric == "" {
		metric = "all metrics"
	}
	switch a.Kind {
	case sentei.DropMetric:
		return "drop " + metric
	case sentei.DropValues:
		return fmt.Sprintf("drop %s with %s %s", metric, a.Label, some(a.Values))
	case sentei.StripLabel:
		return fmt.Sprintf("take %s off %s", a.Label, metric)
	case sentei.DeleteRules:
		if a.Metric != "" {
			return "delete the recording rule of " + a.Metric
		}
		return fmt.Sprintf("delete %d recording rules", len(a.Rules))
	case sentei.SetInterval:
		return "scrape every " + model.Duration(a.Interval).String()
	case sentei.ConvertHistograms:
		return "store classic histograms as native ones"
	case sentei.Aggregate:
		return fmt.Sprintf("store the %s of %s without %s", a.Function, metric, some(a.Labels))
	}
	return strings.ReplaceAll(string(a.Kind), "_", " ") + " " + metric
}

// PlaceName names the place of a proposal within its backend, in a few words.
func PlaceName(p *sentei.Place) string {
	switch {
	case p.RemoteWrite != "":
		return "remote write " + p.RemoteWrite
	case p.ScrapeJob != "":
		return p.ScrapeJob
	}
	return "rule files"
}

// Title says in a few words what a proposal does, and where.
func Title(p *sentei.Proposal) string {
	s := Change(&p.Action)
	switch {
	case p.Place.RemoteWrite != "":
		s += " at remote write " + p.Place.RemoteWrite
	case p.Place.ScrapeJob != "":
		s += " at " + p.Place.ScrapeJob
	}
	if p.Place.Shared {
		s += " for job " + strconv.Quote(p.Place.Job)
	}
	return s
}

// some lists the first values.
func some(values []string) string {
	const most = 4
	if len(values) <= most {
		return strings.Join(values, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(values[:most], ", "), len(values)-most)
}
