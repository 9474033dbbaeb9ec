package rules

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/source"
)

const remoteFile = `global: {external_labels: {cluster: x}}
scrape_configs: [{job_name: a}]
remote_write:
- url: http://one
- url: http://two
  name: two
`

// remoteReport has a local Prometheus b that sends to far. far reads m in job
// a and idle of cpu; b reads all but gone.
func remoteReport() *sentei.Report {
	local := []sentei.MetricReport{
		metric("cpu", []string{"a"}, sentei.Used), metric("gone", []string{"a"}, sentei.Unused), metric("m", []string{"a", "b"}, sentei.Used),
		metric("raw", []string{"a", "b"}, sentei.Used), metric("up", []string{"a"}, sentei.Unused),
	}
	r := build([]sentei.ScrapeJob{scrapeJob("a", "a"), scrapeJob("b", "b")}, local,
		reader(sentei.Dashboard, "local", eq("__name__", "raw")))
	r.Backends = append(r.Backends, sentei.Backend{Name: "far", From: r.Backends[0].From, To: at})
	r.Backends[0].ExternalLabels = []string{"cluster"}
	for _, m := range local {
		m.Backend = "far"
		m.JobUsage = slices.Clone(m.JobUsage)
		for k := range m.JobUsage {
			m.JobUsage[k].Verdict = sentei.Unused
			if m.Name == "cpu" || m.Name == "m" && m.Jobs[k].Job == "a" {
				m.JobUsage[k].Verdict = sentei.Used
			}
		}
		if m.Name == "cpu" {
			l := sentei.LabelStats{Name: "mode", Values: []sentei.LabelValue{{Value: "idle", Series: 2}, {Value: "nice", Series: 40}}}
			m.Jobs = slices.Clone(m.Jobs)
			m.Jobs[0].Labels = []sentei.LabelStats{l}
			m.JobUsage[0].Labels = []sentei.LabelUsage{
				{Name: "cluster", UnusedValues: []string{"x"}, UnusedValueSeries: 42},
				{Name: "mode", UnusedValues: []string{"nice"}, UnusedValueSeries: 40},
			}
		}
		r.Metrics = append(r.Metrics, m)
	}
	for _, c := range []sentei.Consumer{
		reader(sentei.Dashboard, "far m", eq("__name__", "m"), eq("job", "a")),
		reader(sentei.Dashboard, "far cpu", eq("__name__", "cpu"), eq("mode", "idle")),
	} {
		c.ID, c.Backend = c.Name, "far"
		r.Consumers = append(r.Consumers, c)
	}
	return r
}

func remoteInput(r *sentei.Report) *Input {
	return &Input{Report: r, Configs: map[string]Config{"b": {Path: "p.yml", Content: []byte(remoteFile)}}}
}

func cuts(proposals []sentei.Proposal) []string {
	var out []string
	for _, p := range proposals {
		s := p.Place.RemoteWrite + ": " + p.Action.Metric + p.Place.Job + " " + strings.Join(p.Action.Values, ",")
		out = append(out, strings.TrimSpace(s))
	}
	slices.Sort(out)
	return out
}

func TestCutRemoteWrite(t *testing.T) {
	link := remoteLink{From: "b", RemoteWrite: "two", To: "far"}
	all := []string{"two: cpua nice", "two: mb", "two: raw", "two: up"}
	tests := map[string]struct {
		change func(*Input)
		link   remoteLink
		want   []string
		reason string
	}{
		"as it is": {func(*Input) {}, link, all, ""},
		"by URL":   {func(*Input) {}, remoteLink{"b", "http://one", "far"}, []string{"http://one: cpua nice", "http://one: mb", "http://one: raw", "http://one: up"}, ""},
		"no name":  {func(*Input) {}, remoteLink{"b", "", "far"}, nil, "2 such entries"},
		"unknown":  {func(*Input) {}, remoteLink{"b", "three", "far"}, nil, "no such entry"},
		"no end":   {func(*Input) {}, remoteLink{"b", "two", "nobody"}, nil, "no such backend"},
		"no file":  {func(in *Input) { in.Configs = nil }, link, nil, "is not known"},
		"the same URL twice": {func(in *Input) {
			in.Configs["b"] = Config{Content: []byte("remote_write: [{url: u}, {url: u, name: n}]")}
		}, remoteLink{"b", "u", "far"}, nil, "2 such entries"},
		"names change": {func(in *Input) {
			in.Configs["b"] = Config{Content: []byte("remote_write: [{url: u, write_relabel_configs: [{target_label: __name__, replacement: x}]}]")}
		}, remoteLink{"b", "", "far"}, nil, "may change metric names"},
		"the job is an external label": {func(in *Input) {
			in.Configs["b"] = Config{Content: []byte(strings.Replace(remoteFile, "cluster: x", "job: x", 1))}
		}, link, []string{"two: raw", "two: up"}, ""},
		"used beyond": {func(in *Input) {
			m := metric("raw", []string{"a"}, sentei.Used)
			m.Backend = "third"
			in.Report.Metrics = append(in.Report.Metrics, m)
			in.Report.Backends = append(in.Report.Backends, sentei.Backend{Name: "third"})
		}, link, []string{"two: cpua nice", "two: mb", "two: up"}, ""},
		"unknown in the receiver": {func(in *Input) {
			for i := range in.Report.Metrics {
				if m := &in.Report.Metrics[i]; m.Backend == "far" {
					m.JobUsage[0].Verdict = sentei.Unknown
				}
			}
		}, link, []string{"two: mb", "two: rawb"}, ""},
		"a reader of any job": {func(in *Input) {
			c := reader(sentei.Dashboard, "z", eq("__name__", "raw"), eq("job", "z"))
			c.ID, c.Backend = "z", "far"
			in.Report.Consumers = append(in.Report.Consumers, c)
		}, link, []string{"two: cpua nice", "two: mb", "two: rawa", "two: rawb", "two: up"}, ""},
		"a verdict that is wrong": {func(in *Input) {
			c := reader(sentei.Dashboard, "z", labels.MustNewMatcher(labels.MatchRegexp, "__name__", "up|raw"), eq("job", "a"))
			c.ID, c.Backend = "z", "far"
			in.Report.Consumers = append(in.Report.Consumers, c)
		}, link, []string{"two: cpua nice", "two: mb", "two: rawb"}, "withdrawn"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			in := remoteInput(remoteReport())
			tt.change(in)
			rule, err := newCutRemoteWrite(cutRemoteWriteOptions{Links: []remoteLink{tt.link}, MinSeries: 1, MaxValues: 10}, source.Env{})
			if err != nil {
				t.Fatal(err)
			}
			made, err := Propose(t.Context(), in, []Rule{rule})
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(tt.want)
			if d := cmp.Diff(tt.want, cuts(made.Proposals)); d != "" {
				t.Errorf("problems %+v, -want +got\n%s", made.Problems, d)
			}
			if (tt.reason == "") != (len(made.Problems) == 0) || len(made.Problems) > 0 && !strings.Contains(made.Problems[0].Message, tt.reason) {
				t.Errorf("problems %+v", made.Problems)
			}
			for _, p := range made.Proposals {
				if p.Place.Backend != "b" || p.Place.Receiver != "far" || p.Saving.Series == 0 || p.Proof == nil || p.Place.Shared != (p.Place.Job != "") {
					t.Errorf("%+v", p)
				}
			}
		})
	}
}

// TestCutRemoteWriteExecutes runs the rules over the sender's series, among
// them those that Prometheus writes itself.
func TestCutRemoteWriteExecutes(t *testing.T) {
	in := remoteInput(remoteReport())
	series := slices.Concat(with("cpu", "a", "mode", "idle", "nice"), with("gone", "a", "x", "1"), with("m", "a", "x", "1"), with("m", "b", "x", "1", "2"),
		with("raw", "a", "x", "1", "2"), with("raw", "b", "x", "1"), with("up", "a", "x", "1"))
	in.Series = map[string]sentei.SeriesReader{"b": series}
	o := cutRemoteWriteOptions{Links: []remoteLink{{"b", "two", "far"}}, MinSeries: 1, MaxValues: 10}
	made, err := Propose(t.Context(), in, []Rule{o})
	if err != nil || len(made.Problems) > 0 {
		t.Fatalf("%+v, %v", made.Problems, err)
	}
	changed := map[string]int64{}
	for _, p := range made.Proposals {
		changed[p.Action.Metric+p.Place.Job] = p.Proof.Executed.Changed
	}
	if d := cmp.Diff(map[string]int64{"cpua": 1, "mb": 2, "raw": 3, "up": 1}, changed); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

func TestCutRemoteWriteOptions(t *testing.T) {
	for reason, o := range map[string]cutRemoteWriteOptions{
		"max_values":     {MinSeries: 1},
		"two backends":   {MinSeries: 1, MaxValues: 1, Links: []remoteLink{{From: "a", To: "a"}}},
		"the same entry": {MinSeries: 1, MaxValues: 1, Links: []remoteLink{{From: "a", To: "b"}, {From: "a", To: "c"}}},
	} {
		if _, err := newCutRemoteWrite(o, source.Env{}); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: %v", reason, err)
		}
	}
}
