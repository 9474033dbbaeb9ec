package daemon

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v4"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/config"
	"github.com/sentei/sentei/internal/remoteread/remotetest"
	"github.com/sentei/sentei/rules/rehearsal"
)

func sampleConfig(t *testing.T) *config.Config {
	t.Helper()
	c, err := config.Load("../../config.yaml", config.Overlay{})
	if err != nil {
		t.Fatal(err)
	}
	c.Rehearsal.Enabled, c.Rehearsal.Instants = true, 6
	return c
}

// TestRehearsedScan scans the sample data: the proposals carry how their
// rehearsal went. Then wrong ones are added, which must go, and with them what
// stands and falls with them.
func TestRehearsedScan(t *testing.T) {
	c := sampleConfig(t)
	s, err := NewScanner(c, slog.New(slog.DiscardHandler), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Scan(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Proposals) == 0 {
		t.Fatal("no proposals")
	}
	for _, p := range r.Proposals {
		if p.Rehearsal == nil || p.Grade == sentei.GradeA && p.Rehearsal.Detail != "" {
			t.Errorf("%s: %+v", p.Action.Metric, p.Rehearsal)
		}
	}
	good := len(r.Proposals)
	propose := func(id, group string, a sentei.Action) {
		p := r.Proposals[0]
		p.ID, p.Group, p.Action, p.Rehearsal = id, group, a, nil
		p.Place = sentei.Place{Backend: "demo", ScrapeJob: "shop", Job: "shop"}
		r.Proposals = append(r.Proposals, p)
	}
	propose("campaign", "", sentei.Action{Kind: sentei.StripLabel, Metric: "shop_coupon_redemptions_total", Label: "campaign"})
	propose("wrong", "wrong", sentei.Action{Kind: sentei.DropMetric, Metric: "shop_payment_duration_seconds_bucket"})
	propose("beside", "wrong", sentei.Action{Kind: sentei.DropMetric, Metric: "nothing_at_all"})
	propose("zone", "", sentei.Action{Kind: sentei.StripLabel, Metric: "shop_pod_info", Label: "uid"})
	propose("slower", "", sentei.Action{Kind: sentei.SetInterval, Interval: time.Minute})
	before := len(r.Problems)
	s.rehearser.rehearse(t.Context(), r)
	var kept []string
	for _, p := range r.Proposals[good:] {
		kept = append(kept, p.ID)
	}
	if diff := cmp.Diff([]string{"zone", "slower"}, kept); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if d := r.Proposals[good+1].Rehearsal.Detail; !strings.Contains(d, "cannot be rehearsed") {
		t.Error(d)
	}
	problems := r.Problems[before:]
	if len(problems) != 3 || problems[0].ID == problems[1].ID {
		t.Fatalf("%+v", problems)
	}
	for i, want := range []string{"shop_coupon_redemptions_total at shop: ", "drop shop_payment_duration_seconds_bucket at shop: ", "stands and falls with"} {
		if p := problems[i]; !strings.Contains(p.Message, want) || p.Source != "rehearsal" || p.Blocking {
			t.Errorf("%+v", p)
		}
	}
}

// TestRehearsalWithoutData keeps the proposals, and says that they rest on
// their proof alone.
func TestRehearsalWithoutData(t *testing.T) {
	c := sampleConfig(t)
	c.Rehearsal.Data = "nowhere"
	r := &sentei.Report{Backends: []sentei.Backend{{Name: "demo"}, {Name: "idle"}}, Proposals: []sentei.Proposal{{ID: "x", Place: sentei.Place{Backend: "demo"}}}}
	h := &rehearser{config: c, logger: slog.New(slog.DiscardHandler), now: time.Now}
	h.rehearse(t.Context(), r)
	if len(r.Proposals) != 1 || r.Proposals[0].Rehearsal != nil || len(r.Problems) != 1 || !strings.Contains(r.Problems[0].Message, "could not be rehearsed: open data") {
		t.Errorf("%+v, %+v", r.Proposals, r.Problems)
	}
}

func TestResultOf(t *testing.T) {
	consumers := []rehearsal.Consumer{{Kind: sentei.Dashboard, Name: "d"}}
	res := &rehearsal.Result{
		Changes: []rehearsal.ChangeResult{
			{ID: "a", Series: 3, Consumers: 2, Replayed: 1, Transient: 5 * time.Minute, Error: 0.0471},
			{ID: "idle"}, {ID: "refused", Reason: "why"},
		},
		Outcomes: []rehearsal.Outcome{{Status: rehearsal.NotRehearsed, Reason: "too big", Consumers: consumers, Changes: []string{"a"}}},
	}
	want := map[string]*sentei.RehearsalResult{
		"a":       {Consumers: 2, Replayed: 1, Detail: `dashboard "d" was not replayed: too big; when deployed, values are off by up to 4.71 % for up to 5m0s`},
		"idle":    {Detail: "it alters no series of the data that were replayed"},
		"refused": {Detail: "why"},
		"other":   nil,
	}
	for id, w := range want {
		if diff := cmp.Diff(w, resultOf(id, res)); diff != "" {
			t.Errorf("%s: -want +got\n%s", id, diff)
		}
	}
}

// TestDataSources finds what to replay in the configuration.
func TestDataSources(t *testing.T) {
	c := sampleConfig(t)
	path, _, err := BlockSource(c, "demo")
	if err != nil || !strings.HasSuffix(path, "testdata/tsdb") {
		t.Error(path, err)
	}
	if _, err := RehearsalData(t.Context(), c, "other", slog.New(slog.DiscardHandler), time.Now); err == nil || !strings.Contains(err.Error(), "neither a block source") {
		t.Error(err)
	}

	// Without blocks the server of the prometheus source is asked, with its
	// options; those stay with it when another server is named.
	server := remotetest.Start(t, blockOf(t, path), remotetest.Options{})
	var node yaml.Node
	if err := yaml.Unmarshal([]byte("prometheus: {url: "+server.URL+"/, lookback: 1h, timeout: 7s, basic_auth: {username: u, password: p}}"), &node); err != nil {
		t.Fatal(err)
	}
	c.Backends[0].Inventory = []yaml.Node{*node.Content[0]}
	known, err := dataSources(c, "demo")
	if err != nil || known.block != nil || known.server.HTTP.BasicAuth.Username != "u" || known.server.Timeout != model.Duration(7*time.Second) {
		t.Errorf("%+v, %v", known.server, err)
	}
	for _, where := range []string{"", server.URL} {
		c.Rehearsal.Data, c.Rehearsal.Window = where, model.Duration(time.Minute)
		d, err := RehearsalData(t.Context(), c, "demo", slog.New(slog.DiscardHandler), time.Now)
		if err != nil || !d.Remote || d.To.Sub(d.From) != time.Minute {
			t.Fatalf("%+v, %v", d, err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}

func blockOf(t *testing.T, dir string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*", "meta.json"))
	if err != nil || len(found) == 0 {
		t.Fatal(found, err)
	}
	return filepath.Dir(found[0])
}
