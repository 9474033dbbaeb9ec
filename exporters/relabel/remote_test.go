package relabel

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/sentei/sentei"
)

// remoteReport has a backend that sends to another, where m is unused, n is in
// one job, and mode="nice" of cpu is refused.
func remoteReport() *sentei.Report {
	stored := func(backend, name string, jobs map[string]sentei.Verdict) sentei.MetricReport {
		m := sentei.MetricReport{Backend: backend, Metric: sentei.Metric{Name: name}}
		for _, job := range []string{"a", "b"} {
			if v, ok := jobs[job]; ok {
				m.Jobs = append(m.Jobs, sentei.JobMetric{Job: job, Cost: sentei.Cost{Series: 5, SamplesPerSecond: 1}})
				u := sentei.JobUsage{Usage: sentei.Usage{Verdict: v}}
				if name == "cpu" {
					u.Labels = []sentei.LabelUsage{{Name: "mode", UnusedValues: []string{"nice"}}}
				}
				m.JobUsage = append(m.JobUsage, u)
			}
		}
		return m
	}
	const used, unused = sentei.Used, sentei.Unused
	r := &sentei.Report{
		At:       time.Date(2026, time.November, 20, 12, 0, 0, 0, time.UTC),
		Backends: []sentei.Backend{{Name: "far"}, {Name: "near"}},
		Metrics: []sentei.MetricReport{
			stored("far", "cpu", map[string]sentei.Verdict{"a": used}), stored("far", "m", map[string]sentei.Verdict{"a": unused}),
			stored("far", "n", map[string]sentei.Verdict{"a": used, "b": unused}), stored("far", "up", map[string]sentei.Verdict{"a": unused}),
			stored("near", "cpu", map[string]sentei.Verdict{"a": used}), stored("near", "m", map[string]sentei.Verdict{"a": used, "b": used}),
			stored("near", "mm", map[string]sentei.Verdict{"a": used}), stored("near", "n", map[string]sentei.Verdict{"a": used, "b": used}),
			stored("near", "up", map[string]sentei.Verdict{"a": used}),
		},
	}
	add := func(entry, job string, a sentei.Action) {
		r.Proposals = append(r.Proposals, sentei.Proposal{
			ID: strings.Join(append([]string{entry, a.Metric, job}, a.Values...), "-"), Grade: sentei.GradeA, Action: a, Saving: sentei.Cost{Series: 5},
			Place: sentei.Place{Backend: "near", RemoteWrite: entry, Receiver: "far", Job: job, Shared: job != ""},
		})
	}
	add("two", "", sentei.Action{Kind: sentei.DropMetric, Metric: "m"})
	add("two", "", sentei.Action{Kind: sentei.DropMetric, Metric: "up"})
	add("two", "b", sentei.Action{Kind: sentei.DropMetric, Metric: "n"})
	add("two", "a", sentei.Action{Kind: sentei.DropValues, Metric: "cpu", Label: "mode", Values: []string{"nice"}})
	add("http://one", "", sentei.Action{Kind: sentei.DropMetric, Metric: "m"})
	return r
}

func TestRemoteWrite(t *testing.T) {
	var out bytes.Buffer
	if err := prometheusDialect.Write(&out, remoteReport(), Options{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"remote_write:\n  # To backend far.\n  - url: 'http://one'\n    write_relabel_configs:\n",
		"  - name: 'two'\n    write_relabel_configs:\n",
		"      - source_labels: [__name__]\n        regex: \"\\\n          m|\\\n          up\"\n        action: drop\n",
		"source_labels: [__name__, job]\n        regex: '(n);b'",
		"source_labels: [__name__, job, mode]\n        regex: '(cpu);a;(nice)'",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "Not here") || strings.Contains(out.String(), "scrape_configs") {
		t.Errorf("%s", out.String())
	}
	for _, d := range Dialects() {
		out.Reset()
		if d.Name == "prometheus" || d.Name == "diff" {
			continue
		}
		if err := d.Write(&out, remoteReport(), Options{}); err != nil || strings.Contains(out.String(), "(cpu)") {
			t.Errorf("%s: %v\n%s", d.Name, err, out.String())
		}
	}
}

func TestRemoteWriteDiff(t *testing.T) {
	const file = `scrape_configs:
  - job_name: a
remote_write:
  - url: http://one
    write_relabel_configs:
      - source_labels: [__name__]
        regex: go_.*|m
        action: drop
  - name: two
    url: http://two
`
	patches, err := Apply(remoteReport(), "near", File{"p.yml", []byte(file)})
	if err != nil || len(patches) != 1 {
		t.Fatal(patches, err)
	}
	patch := patches[0]
	if patch.Present != 1 || len(patch.Skipped) > 0 || !strings.HasPrefix(string(patch.Result), file+"    write_relabel_configs:\n      # sentei") {
		t.Errorf("%d present, skipped %v\n%s", patch.Present, patch.Skipped, patch.Result)
	}
	again, err := Apply(remoteReport(), "near", File{"p.yml", patch.Result})
	if err != nil || again[0].Present != 5 || !bytes.Equal(again[0].Result, patch.Result) {
		t.Errorf("%+v, %v", again, err)
	}
	var out bytes.Buffer
	if err := diffDialect.Write(&out, remoteReport(), Options{Files: map[string]File{"near": {"p.yml", []byte(file)}}}); err != nil || strings.Contains(out.String(), "Not here") {
		t.Errorf("%v\n%s", err, out.String())
	}
}

func TestRemoteWriteCheck(t *testing.T) {
	tests := map[string]func(*sentei.Report){
		"is not unused in backend far":    func(r *sentei.Report) { r.Metrics[1].JobUsage[0].Verdict = sentei.Used },
		"is not known in backend near":    func(r *sentei.Report) { r.Metrics[5].Name = "other" },
		`there is no backend "nowhere"`:   func(r *sentei.Report) { r.Proposals[0].Place.Receiver = "nowhere" },
		"no relabel rule can name metric": func(r *sentei.Report) { r.Proposals[0].Action.Metric = "\xff" },
	}
	for want, change := range tests {
		r := remoteReport()
		change(r)
		var out bytes.Buffer
		if err := prometheusDialect.Write(&out, r, Options{}); err == nil || !strings.Contains(err.Error(), want) || out.Len() > 0 {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}
