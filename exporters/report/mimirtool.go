package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/sentei/sentei"
)

var mimirtoolFormat = Format{
	Name:        "mimirtool",
	Extension:   ".prometheus-metrics.json",
	ContentType: "application/json",
	Title:       "prometheus-metrics.json, as mimirtool analyze prometheus writes it",
	Write:       writeMimirtool,
}

// mimirtoolFile has the fields of mimirtool, in its order. Lists are null when
// they are empty, as there.
type mimirtoolFile struct {
	Total      int64             `json:"total_active_series"`
	InUse      int64             `json:"in_use_active_series"`
	Additional int64             `json:"additional_active_series"`
	InUseBy    []mimirtoolMetric `json:"in_use_metric_counts"`
	AlsoBy     []mimirtoolMetric `json:"additional_metric_counts"`
	Errors     []string          `json:"errors"`
}

type mimirtoolMetric struct {
	Metric string         `json:"metric"`
	Count  int64          `json:"count"`
	Jobs   []mimirtoolJob `json:"job_counts"`
}

type mimirtoolJob struct {
	Job   string `json:"job"`
	Count int64  `json:"count"`
}

// writeMimirtool lists as additional only what is unused in all jobs and
// backends. All else is in use: what is used in part, as tools that drop what
// is additional go by the name, and what is unknown. Problems that block
// verdicts are errors.
func writeMimirtool(w io.Writer, r *sentei.Report, _ Options) error {
	type found struct {
		inUse bool
		jobs  map[string]int64
	}
	metrics := map[string]*found{}
	var names []string
	for i := range r.Metrics {
		m := &r.Metrics[i]
		f := metrics[m.Name]
		if f == nil {
			f = &found{jobs: map[string]int64{}}
			metrics[m.Name] = f
			names = append(names, m.Name)
		}
		f.inUse = f.inUse || m.Verdict != sentei.Unused
		for k := range m.Jobs {
			f.jobs[m.Jobs[k].Job] += m.Jobs[k].Cost.Series
		}
	}
	var out mimirtoolFile
	for _, name := range names {
		f := metrics[name]
		m := mimirtoolMetric{Metric: name, Jobs: []mimirtoolJob{}}
		for job, series := range f.jobs {
			if series > 0 { // mimirtool counts what is active
				m.Count += series
				m.Jobs = append(m.Jobs, mimirtoolJob{job, series})
			}
		}
		slices.SortFunc(m.Jobs, func(a, b mimirtoolJob) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Job, b.Job)) })
		switch {
		case m.Count == 0:
		case f.inUse:
			out.InUse += m.Count
			out.InUseBy = append(out.InUseBy, m)
		default:
			out.Additional += m.Count
			out.AlsoBy = append(out.AlsoBy, m)
		}
	}
	out.Total = out.InUse + out.Additional
	for _, list := range [][]mimirtoolMetric{out.InUseBy, out.AlsoBy} {
		slices.SortFunc(list, func(a, b mimirtoolMetric) int {
			return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Metric, b.Metric))
		})
	}
	for i := range r.Problems {
		if p := &r.Problems[i]; p.Blocking && p.Accepted == "" {
			out.Errors = append(out.Errors, problemPlace(p)+": "+p.Message)
		}
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ") // HTML is escaped, as there
	if err := e.Encode(out); err != nil {
		return fmt.Errorf("write mimirtool report: %w", err)
	}
	return nil
}
