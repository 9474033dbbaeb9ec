package relabel

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
)

// TestNothingIsLost wants each proposal in a rule or in the list of what is
// left out, in every dialect.
func TestNothingIsLost(t *testing.T) {
	for _, d := range Dialects() {
		t.Run(d.Name, func(t *testing.T) {
			r := cluster()
			if d.Name == "diff" {
				r = shop()
			}
			var notes bytes.Buffer
			text := string(write(t, d, r, Options{Files: files(t), Notes: &notes})) + notes.String()
			for _, p := range r.Proposals {
				if n := strings.Count(text, p.ID); n != 1 && d.Name != "diff" { // a diff names what a file has already by their number
					t.Errorf("proposal %s (%s) stands there %d times", p.ID, p.Action.Kind, n)
				}
			}
		})
	}
}

func TestLeftOutLines(t *testing.T) {
	var left leftOut
	if got := left.lines(); got != nil {
		t.Errorf("got %q", got)
	}
	left.add("b", "1")
	if got := left.lines(); got[0] != "Not here: 1 proposal." {
		t.Errorf("got %q", got)
	}
	for i := range 9 {
		left.add("a\nb", fmt.Sprint(9-i))
	}
	want := []string{"Not here: 10 proposals.", `  "a\nb":`, "    1 2 3 4 5 6 7", "    8 9", "  b:", "    1"}
	if got := left.lines(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestAlloyIsFormatted wants what alloy fmt would write.
func TestAlloyIsFormatted(t *testing.T) {
	text := write(t, alloyDialect, cluster(), Options{})
	again, err := alloyFormat(text)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, again) {
		t.Errorf("formatted it is\n%s", again)
	}
}

// TestAlloyNames wants components of scrape jobs with names alike to differ.
func TestAlloyNames(t *testing.T) {
	names := map[string]int{}
	var got []string
	for _, job := range []string{"a-b", "a_b", "a b", "é", "a_b_2"} {
		got = append(got, alloyName(job, names))
	}
	want := []string{"sentei_a_b", "sentei_a_b_2", "sentei_a_b_3", "sentei__", "sentei_a_b_2_2"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// TestPartsOfHistograms wants no part of a histogram cut by the receiver of the
// Collector unless all are.
func TestPartsOfHistograms(t *testing.T) {
	const no, used = sentei.Unused, sentei.Used
	jobs := []sentei.ScrapeJob{{Name: "j", JobLabels: []string{"j", "k"}}}
	tests := map[string]struct {
		series []stored
		want   string
	}{
		"all parts": {[]stored{{"h_bucket", "j", no, "j", false}, {"h_count", "j", no, "j", false}, {"h_sum", "j", no, "j", false}}, "h_bucket h_count h_sum"},
		"one part":  {[]stored{{"h_bucket", "j", no, "j", false}, {"h_count", "j", used, "", false}, {"h_sum", "j", no, "j", false}}, ""},
		"quantiles": {[]stored{{"s", "j", no, "j", false}, {"s_count", "j", used, "", false}}, ""},
		"no family": {[]stored{{"s", "j", no, "j", false}, {"s_total", "j", used, "", false}}, "s"},
		"other job": {[]stored{{"h_bucket", "j", no, "j", true}, {"h_count", "k", used, "", false}}, "h_bucket"},
	}
	for name, tt := range tests {
		r := reportOf("b", jobs, tt.series...)
		f := familiesOf(r)
		var got []string
		for i := range r.Proposals {
			if f.whole(&r.Proposals[i]) {
				got = append(got, r.Proposals[i].Action.Metric)
			}
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	r := cluster()
	f := familiesOf(r)
	for i := range r.Proposals {
		if p := &r.Proposals[i]; p.Action.Label == "le" && !f.whole(p) {
			t.Errorf("buckets of %s are left out", p.Action.Metric)
		}
	}
}

// TestAdaptiveMetricsDropsForAllJobsOnly gives metrics that are unused in some
// jobs or backends.
func TestAdaptiveMetricsDropsForAllJobsOnly(t *testing.T) {
	const no, used = sentei.Unused, sentei.Used
	jobs := []sentei.ScrapeJob{{Name: "j", JobLabels: []string{"j", "k"}}}
	r := reportOf("a", jobs,
		stored{"all", "j", no, "j", true}, stored{"all", "k", no, "j", true},
		stored{"some", "j", no, "j", true}, stored{"some", "k", no, "", true},
		stored{"elsewhere", "j", no, "j", true})
	other := reportOf("b", jobs, stored{"elsewhere", "j", used, "", true}, stored{"all", "j", no, "j", true})
	r.Backends, r.Metrics, r.Proposals = append(r.Backends, other.Backends...), append(r.Metrics, other.Metrics...), append(r.Proposals, other.Proposals...)
	text := write(t, adaptiveMetricsDialect, r, Options{})
	if got := strings.Join(strings.Fields(string(text)), ""); got != `[{"metric":"all","drop":true}]` {
		t.Errorf("got %s", got)
	}
	m := labels.MustNewMatcher
	r.Consumers = []sentei.Consumer{{Kind: sentei.AlertingRule, Selectors: []sentei.Selector{{Matchers: []*labels.Matcher{
		m(labels.MatchEqual, "__name__", "all"), m(labels.MatchEqual, "job", "batch"),
	}}}}}
	if got := strings.TrimSpace(string(write(t, adaptiveMetricsDialect, r, Options{}))); got != "[]" {
		t.Errorf("an alert asks for another job, got %s", got)
	}
	r.Consumers = nil
	for i := range r.Proposals {
		if p := &r.Proposals[i]; p.Action.Metric == "all" {
			r.Metric(p.Place.Backend, "all").JobUsage[0].Verdict = sentei.Unknown
		}
	}
	if err := adaptiveMetricsDialect.Write(&bytes.Buffer{}, r, Options{}); err == nil || !strings.Contains(err.Error(), `metric "all" of job "j" is not unused`) {
		t.Errorf("got %v", err)
	}
}
