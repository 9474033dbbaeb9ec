package rehearsal

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/relabeling"
)

func ids(changes []Change) []string {
	var out []string
	for i := range changes {
		out = append(out, changes[i].ID)
	}
	return out
}

func TestSplit(t *testing.T) {
	tests := map[string]struct {
		rules string
		want  []string
	}{
		"filters":                          {`[{source_labels: [a], regex: x, action: drop}, {source_labels: [a], regex: y, action: keep}]`, []string{"j[2]", "j[3]"}},
		"different labels":                 {`[{target_label: a, replacement: ''}, {target_label: b, replacement: ''}]`, []string{"j[2]", "j[3]"}},
		"a label and a filter before":      {`[{source_labels: [a], regex: x, action: drop}, {target_label: a, replacement: ''}]`, []string{"j[2]", "j[3]"}},
		"a filter on a new label":          {`[{target_label: a, replacement: x}, {source_labels: [a], regex: x, action: drop}]`, []string{"j[2-3]"}},
		"a filter that compares":           {`[{target_label: a, replacement: x}, {source_labels: [b], target_label: a, action: dropequal}]`, []string{"j[2-3]"}},
		"the same label twice":             {`[{target_label: a, replacement: x}, {target_label: a, replacement: y}]`, []string{"j[2-3]"}},
		"a label that goes again":          {`[{target_label: tmp, replacement: x}, {regex: tmp, action: labeldrop}]`, []string{"j[2-3]"}},
		"a label that comes again":         {`[{regex: a, action: labeldrop}, {target_label: a, replacement: x}]`, []string{"j[2-3]"}},
		"a label that is read when gone":   {`[{regex: a, action: labeldrop}, {source_labels: [a], target_label: b}]`, []string{"j[2-3]"}},
		"a label name that is computed":    {`[{target_label: a, replacement: x}, {source_labels: [b], target_label: '$1'}]`, []string{"j[2-3]"}},
		"labelmap":                         {`[{target_label: a, replacement: x}, {regex: b, action: labelmap, replacement: c}]`, []string{"j[2-3]"}},
		"labeldrops":                       {`[{regex: a, action: labeldrop}, {regex: b, action: labeldrop}]`, []string{"j[2]", "j[3]"}},
		"kept labels and others":           {`[{regex: a, action: labelkeep}, {regex: b, action: labeldrop}]`, []string{"j[2]", "j[3]"}},
		"a kept label that another writes": {`[{regex: a, action: labelkeep}, {target_label: b, replacement: x}]`, []string{"j[2-3]"}},
	}
	for name, tt := range tests {
		if diff := cmp.Diff(tt.want, ids(Split("j", relabeling.Scope{}, 2, rulesOf(t, tt.rules)))); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
	long := Split("j", relabeling.Scope{}, 0, rulesOf(t, `[{source_labels: [__name__], regex: '`+strings.Repeat("a", 100)+`', action: drop}]`))
	if !strings.HasSuffix(long[0].Title, "a… at j") || !strings.HasPrefix(long[0].Title, "drop __name__=aaa") {
		t.Error(long[0].Title)
	}
}

func TestScope(t *testing.T) {
	b := &sentei.Backend{ScrapeJobs: []sentei.ScrapeJob{
		{Name: "node", JobLabels: []string{"node", "edge"}},
		{Name: "push", JobLabels: []string{"push"}, HonorLabels: true},
	}}
	of := func(job string) relabeling.Scope {
		s, ok := relabeling.ScopeOf(b, job)
		if !ok {
			t.Fatal(job)
		}
		return s
	}
	if _, ok := relabeling.ScopeOf(b, "other"); ok {
		t.Error("a scrape job that is not there")
	}
	tests := []struct {
		name, job        string
		node, push, each bool
	}{
		{"m", "node", true, false, true},
		{"m", "edge", true, false, true},
		{"m", "push", false, true, true},
		{"m", "elsewhere", false, true, true}, // a target may have brought it
		{"m", "", false, true, true},
		{"up", "node", false, false, false},
		{"scrape_duration_seconds", "push", false, false, false},
		{"up", "elsewhere", false, true, false}, // federated
		{"ALERTS", "node", false, false, false},
		{"ALERTS_FOR_STATE", "elsewhere", false, false, false},
	}
	node, push, each := of("node"), of("push"), relabeling.Scope{All: true}
	for _, tt := range tests {
		l := labels.FromStrings("__name__", tt.name, "job", tt.job)
		if node.Has(l) != tt.node || push.Has(l) != tt.push || each.Has(l) != tt.each {
			t.Errorf("%s: node %v, push %v, all %v", l, node.Has(l), push.Has(l), each.Has(l))
		}
	}
}

func TestAddProposals(t *testing.T) {
	d, r := cluster(t), consumersOfCluster()
	propose := func(id, scrapeJob, metric string, shared bool) sentei.Proposal {
		return sentei.Proposal{ID: id, Place: sentei.Place{Backend: "b", ScrapeJob: scrapeJob, Job: "api", Shared: shared}, Action: sentei.Action{Kind: sentei.DropMetric, Metric: metric}}
	}
	other := propose("x", "api", "m", false)
	other.Place.Backend = "another"
	unknown := propose("unknown", "api", "m", false)
	unknown.Action.Kind = "fold"
	r.Proposals = []sentei.Proposal{
		propose("things", "api", "go_thing_1", false), propose("requests", "api", "http_requests_total", true),
		other, unknown, propose("nowhere", "nowhere", "m", false),
	}
	in := Input{Report: r, Backend: "b", Data: d}
	in.AddProposals(&r.Backends[0])
	if diff := cmp.Diff([]string{"things", "requests"}, ids(in.Changes)); diff != "" || len(in.Refused) != 2 {
		t.Errorf("refused %+v, -want +got\n%s", in.Refused, diff)
	}
	res, err := Run(t.Context(), in, DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	type row struct {
		id              string
		series, dropped int
		differs, reason bool
	}
	var got []row
	for _, c := range res.Changes {
		got = append(got, row{c.ID, c.Series, c.Dropped, c.Differs, c.Reason != ""})
	}
	want := []row{{"things", 3, 3, false, false}, {"requests", 12, 12, true, false}, {"unknown", 0, 0, false, true}, {"nowhere", 0, 0, false, true}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(row{})); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestFromConfig(t *testing.T) {
	b := &report().Backends[0]
	drop := func(names ...string) []*relabel.Config {
		var out []*relabel.Config
		for _, n := range names {
			c, err := relabeling.Configs(&sentei.Proposal{Action: sentei.Action{Kind: sentei.DropMetric, Metric: n}})
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, c...)
		}
		return out
	}
	type config = map[string][]*relabel.Config
	tests := map[string]struct {
		current, wanted config
		want            []string
		notes           []string
		err             string
	}{
		"appended":          {current: config{"api": drop("a"), "kube": nil}, wanted: config{"api": drop("a", "b", "c"), "kube": drop("d")}, want: []string{"api[1]", "api[2]", "kube[0]"}},
		"nothing new":       {current: config{"api": drop("a")}, wanted: config{"api": drop("a")}},
		"moved":             {current: config{"api": drop("a")}, wanted: config{"api": drop("b", "a")}, err: "put new rules after the current ones"},
		"gone":              {current: config{"api": drop("a")}, wanted: config{"api": nil}, err: `scrape job "api": its current rule 1 (drop __name__=a)`},
		"a scrape job less": {current: config{"api": drop("a")}, wanted: config{}, notes: []string{`the scrape job "api" is gone: that its series end is not rehearsed`}},
		"a scrape job more": {current: config{}, wanted: config{"new": drop("a")}, notes: []string{`the scrape job "new" is new: nothing is stored of it`}},
		"without series":    {current: config{"idle": nil}, wanted: config{"idle": drop("a")}, notes: []string{`the scrape job "idle" is not known in the backend b: its 1 new rules are not rehearsed`}},
	}
	for name, tt := range tests {
		changes, notes, err := FromConfig(b, tt.current, tt.wanted)
		if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: error %v", name, err)
		}
		if diff := cmp.Diff(tt.want, ids(changes)) + cmp.Diff(tt.notes, notes); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
}

// TestDeleteRules drops what recording rules write, which no rule of a scrape
// job reaches.
func TestDeleteRules(t *testing.T) {
	d, r := cluster(t), consumersOfCluster()
	propose := func(id string, rules ...string) sentei.Proposal {
		return sentei.Proposal{ID: id, Place: sentei.Place{Backend: "b"}, Action: sentei.Action{Kind: sentei.DeleteRules, Rules: rules}}
	}
	written := propose("written")
	written.Action, written.Place.RemoteWrite = sentei.Action{Kind: sentei.DropMetric, Metric: "up"}, "far"
	slower := propose("slower")
	slower.Action.Kind = sentei.SetInterval
	r.Proposals = []sentei.Proposal{propose("rule", "rule"), propose("nothing", "busy"), written, slower}
	in := Input{Report: r}
	in.AddProposals(&r.Backends[0])
	var reasons []string
	for _, c := range in.Refused {
		reasons = append(reasons, c.ID+": "+c.Reason)
	}
	want := []string{
		"nothing: it cannot be rehearsed: there is no recording rule busy",
		"written: it cannot be rehearsed: it changes what remote write sends, not what is stored here",
		"slower: it cannot be rehearsed: there is no relabel rule for set_scrape_interval",
	}
	if diff := cmp.Diff(want, reasons); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	res := run(t, r, d, in.Changes)
	if c := res.Changes[0]; c.Dropped != 1 || !c.Differs || res.Differences[0].Consumers[0].ID != "busy" {
		t.Errorf("%+v, %+v", c, res.Differences)
	}
	r.Consumers[0].RecordLabels = map[string]string{"job": "other"}
	in = Input{Report: r}
	in.AddProposals(&r.Backends[0])
	if res := run(t, r, d, in.Changes); res.Changes[0].Series != 0 {
		t.Errorf("%+v", res.Changes)
	}
}
