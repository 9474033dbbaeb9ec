package metrics

import (
	"flag"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/reporttest"
)

var update = flag.Bool("update", false, "rewrite testdata and docs/metrics.md")

// scanned returns the registry of a daemon after two scans.
func scanned(t *testing.T, r *sentei.Report, o Options) *prometheus.Registry {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	m, err := New(reg, o)
	if err != nil {
		t.Fatal(err)
	}
	m.ConfigLoaded(true, reporttest.Report().At.Add(-time.Hour))
	m.ScanDone(Failure, time.Second, reporttest.Report().At)
	m.ScanDone(Success, 2500*time.Millisecond, reporttest.Report().At.Add(time.Minute))
	m.SetReport(r)
	m.OutputWritten("report.html", true)
	m.OutputWritten("relabel.prometheus.yml", false)
	m.SetDeliveries([]DeliverySum{{"monday", "slack", 1, 1, time.Time{}}, {"monday", "files", 0, 0, reporttest.Report().At}})
	m.DeliveryTried("monday", "files", DeliveryDone)
	m.DeliveryTried("monday", "slack", DeliveryFailed)
	m.DeliveryTried("monday", "slack", DeliveryGivenUp)
	return reg
}

func exposition(t *testing.T, g prometheus.Gatherer) string {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&b, f); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got); run with -update when that is meant:\n%s", path, diff)
	}
}

func TestPage(t *testing.T) {
	golden(t, "testdata/report.prom", exposition(t, scanned(t, reporttest.Report(), Options{Top: 8})))
}

func TestPageWithoutPrices(t *testing.T) {
	got := exposition(t, scanned(t, reporttest.Unknown(), Options{Top: 3}))
	if strings.Contains(got, "per_month") {
		t.Error("money is told without prices")
	}
	for _, want := range []string{
		`sentei_series{backend="prod",verdict="unused"} 0`,
		`sentei_source_window_seconds{backend="prod",class="queries",source="query_log"} 7200`,
	} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("%s is missing", want)
		}
	}
}

func TestPageBeforeTheFirstScan(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	if _, err := New(reg, Options{}); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/start.prom", exposition(t, reg))
}

func TestLint(t *testing.T) {
	found, err := testutil.GatherAndLint(scanned(t, reporttest.Report(), Options{}))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range found {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// Every family that is declared and documented is on the page of some report.
func TestEveryFamilyIsUsed(t *testing.T) {
	got := exposition(t, scanned(t, reporttest.Report(), Options{}))
	for _, f := range append(reportFamilies(), daemonFamilies()...) {
		if !strings.Contains(got, "# TYPE "+f.name+" "+f.kind+"\n") {
			t.Errorf("%s is not a %s of the page", f.name, f.kind)
		}
		if !strings.HasSuffix(f.help, ".") {
			t.Errorf("%s: the help is not a sentence", f.name)
		}
	}
}

// The formula of the package's documentation.
func bound(backends, sources, rules, states, files, deliveries, top int) int {
	sorts := rules * 4 * states
	return 4*backends*(top+4) + 5*backends*top + 6*backends*top +
		24*backends*(min(top, 30)+1) + 33*backends +
		backends*sorts + 2*backends*(top+sorts) +
		8*backends + 8*sources + 2*backends + files + 6*deliveries + 10
}

func TestSeriesAreBounded(t *testing.T) {
	if documented := bound(1, 6, 12, len(sentei.States()), 5, 3, DefaultTop); documented > 3750 {
		t.Errorf("the documentation says at most 3750 series, the formula %d", documented)
	}
	for _, top := range []int{1, 10, 100, 1000} {
		for _, metrics := range []int{0, 100, 20_000} {
			r := reporttest.Large(metrics)
			got, err := testutil.GatherAndCount(scanned(t, r, Options{Top: top}))
			if err != nil {
				t.Fatal(err)
			}
			if limit := bound(2, len(r.Sources), 1, 1, 2, 2, top); got > limit {
				t.Errorf("%d metrics, top %d: %d series, more than %d", len(r.Metrics), top, got, limit)
			}
		}
	}
}

// What does not fit into the top is summed up, never lost.
func TestSumsStayTrue(t *testing.T) {
	r := reporttest.Large(3000)
	_, cost, perMonth := r.Total("")
	saved, savedPerMonth := r.Savings()
	want := map[string]float64{
		"sentei_series":                    float64(cost.Series),
		"sentei_metric_series":             float64(cost.Series),
		"sentei_owner_series":              float64(cost.Series),
		"sentei_samples_per_second":        cost.SamplesPerSecond,
		"sentei_metric_samples_per_second": cost.SamplesPerSecond,
		"sentei_cost_per_month":            perMonth,
		"sentei_metric_cost_per_month":     perMonth,
		"sentei_owner_cost_per_month":      perMonth,
		"sentei_metrics":                   float64(len(r.Metrics)),
		"sentei_consumers":                 float64(len(r.Consumers)),
		"sentei_proposals":                 float64(len(r.Proposals)),
		"sentei_proposal_saving_series":    float64(saved.Series),
		"sentei_proposal_saving_per_month": savedPerMonth,
		"sentei_problems":                  float64(len(r.Problems)),
		"sentei_job_series":                float64(cost.Series),
		"sentei_namespace_series":          float64(cost.Series),
		"sentei_job_cost_per_month":        perMonth,
		"sentei_namespace_cost_per_month":  perMonth,
	}
	for _, top := range []int{1, 7, 100} {
		families, err := scanned(t, r, Options{Top: top}).Gather()
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]float64{}
		for _, f := range families {
			for _, m := range f.Metric {
				if _, ok := want[f.GetName()]; ok {
					got[f.GetName()] += m.GetGauge().GetValue()
				}
			}
		}
		for name := range want {
			if math.Abs(got[name]-want[name]) > 1e-6*want[name] {
				t.Errorf("top %d: sum of %s is %v, want %v", top, name, got[name], want[name])
			}
		}
	}
}

// What was carried out is summed up by backend, and backends without any have 0.
func TestTracked(t *testing.T) {
	r := reporttest.Report()
	for i, state := range []sentei.State{sentei.Applied, sentei.Verified, sentei.Regretted, sentei.Regretted} {
		p := r.Proposals[i]
		p.State, p.Place.Backend = state, "prod"
		p.Saving, p.SavingPerMonth = sentei.Cost{Series: 100, SamplesPerSecond: 5}, 10
		r.Tracked = append(r.Tracked, sentei.Tracked{
			Proposal: p, Realised: sentei.Cost{Series: int64(30 * i), SamplesPerSecond: float64(i)}, RealisedPerMonth: 3 * float64(i), Regrets: make([]sentei.Regret, i),
		})
	}
	got := exposition(t, scanned(t, r, Options{}))
	for _, want := range []string{
		`sentei_tracked_proposals{backend="prod",state="applied"} 1`,
		`sentei_tracked_proposals{backend="prod",state="regretted"} 2`,
		`sentei_tracked_proposals{backend="edge",state="regretted"} 0`,
		`sentei_promised_saving_series{backend="prod"} 400`,
		`sentei_realised_saving_series{backend="prod"} 180`,
		`sentei_realised_saving_series{backend="edge"} 0`,
		`sentei_promised_saving_samples_per_second{backend="prod"} 20`,
		`sentei_realised_saving_samples_per_second{backend="prod"} 6`,
		`sentei_promised_saving_per_month{backend="prod",currency="EUR"} 40`,
		`sentei_realised_saving_per_month{backend="prod",currency="EUR"} 18`,
		`sentei_regrets{backend="prod"} 6`,
		`sentei_regrets{backend="edge"} 0`,
	} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("%s is missing", want)
		}
	}
}

// Names that are no UTF-8, or the same after repair, must not break the page.
func TestStrangeNames(t *testing.T) {
	r := reporttest.Report()
	r.Metrics[0].Name, r.Metrics[1].Name, r.Metrics[2].Name = "a\xfe", "a\xff", Other
	r.Problems[0].Source = "not listed"
	if got := exposition(t, scanned(t, r, Options{})); !strings.Contains(got, `metric="a`+"\uFFFD"+`"`) {
		t.Error("the repaired name is missing")
	}
}

func TestANewReportReplacesTheOld(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	m, err := New(reg, Options{})
	if err != nil {
		t.Fatal(err)
	}
	m.SetReport(reporttest.Report())
	m.SetReport(reporttest.Empty())
	n, err := testutil.GatherAndCount(reg, "sentei_metric_series", "sentei_series")
	if err != nil || n != 0 {
		t.Errorf("%d series of the old report are left, %v", n, err)
	}
}

func TestAFailureKeepsTheSuccessBefore(t *testing.T) {
	reg := scanned(t, reporttest.Report(), Options{})
	m, err := New(prometheus.NewRegistry(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1000, 0)
	m.ScanDone(Success, time.Second, at)
	m.ScanDone(Failure, time.Second, at.Add(time.Hour))
	m.ConfigLoaded(true, at)
	m.ConfigLoaded(false, at.Add(time.Hour))
	for name, c := range map[string]struct {
		collector prometheus.Collector
		want      float64
	}{
		"last success":        {m.scanSuccess, 1000},
		"last scan":           {m.scanOK, 0},
		"reload":              {m.reloadOK, 0},
		"last reload success": {m.reloadSuccess, 1000},
	} {
		if got := testutil.ToFloat64(c.collector); got != c.want {
			t.Errorf("%s is %v, want %v", name, got, c.want)
		}
	}
	if _, err := New(reg, Options{}); err == nil || !strings.Contains(err.Error(), "register own metrics") {
		t.Errorf("registering twice gives %v", err)
	}
}

func TestOutputs(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	m, err := New(reg, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := func(page string) {
		t.Helper()
		if page != "" {
			page = "# HELP " + outputOK.name + " " + outputOK.help + "\n# TYPE " + outputOK.name + " gauge\n" + page
		}
		if err := testutil.GatherAndCompare(reg, strings.NewReader(page), outputOK.name); err != nil {
			t.Error(err)
		}
	}
	want("")
	m.OutputWritten("a", false)
	m.OutputWritten("b\xff", true)
	want(outputOK.name + "{file=\"a\"} 0\n" + outputOK.name + "{file=\"b\uFFFD\"} 1\n")
	m.OutputWritten("a", true)
	m.OutputWritten("b\xff", false)
	want(outputOK.name + "{file=\"a\"} 1\n" + outputOK.name + "{file=\"b\uFFFD\"} 0\n")
	m.ForgetOutputs()
	want("")
}

// Only what was told last is on the page.
func TestDeliveries(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	m, err := New(reg, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := func(rest string) {
		t.Helper()
		page := ""
		if rest != "" {
			page = fmt.Sprintf("# HELP %[1]s %[2]s\n# TYPE %[1]s %[3]s\n%[4]s", deliveriesFailing.name, deliveriesFailing.help, deliveriesFailing.kind, rest)
		}
		if err := testutil.GatherAndCompare(reg, strings.NewReader(page), deliveriesFailing.name); err != nil {
			t.Error(err)
		}
	}
	want("")
	m.SetDeliveries([]DeliverySum{{Report: "a", Channel: "slack", Failing: 2}, {Report: "b\xff", Channel: "files"}})
	want(deliveriesFailing.name + "{channel=\"files\",report=\"b\uFFFD\"} 0\n" + deliveriesFailing.name + "{channel=\"slack\",report=\"a\"} 2\n")
	m.SetDeliveries([]DeliverySum{{Report: "a", Channel: "slack"}})
	want(deliveriesFailing.name + "{channel=\"slack\",report=\"a\"} 0\n")
}

const docsIntro = `# Own metrics

sentei serves metrics about what it found and about itself at ` + "`/metrics`" + `.

What is stored is told once in total and once by metric. The %d most expensive metrics of each backend have series of
their own; ` + "`metric=\"" + Other + "\"`" + ` is the sum of all others, so that a sum over metrics is complete. Jobs,
namespaces and owners (%d of each) and the scrape jobs of proposals are summed up in the same way. So the number of series is
bounded: 770 on the sample data, and at most 3750 for one backend with a dozen kinds of proposals.

Money is told only when prices are configured.

`

const docsEnd = `## Beside these

| metric | type | labels | help |
|---|---|---|---|
| ` + "`sentei_build_info`" + ` | gauge | version, revision, branch, goversion, … | Always 1; the labels tell which build runs. |
| ` + "`go_*`, `process_*`" + ` | | | The usual metrics of a Go process. |
| ` + "`promhttp_*`" + ` | | | How scrapes of this page went. |
`

// docs/metrics.md is made from the declarations of the families.
func TestDocs(t *testing.T) {
	var b strings.Builder
	b.WriteString("<!-- Made by go test ./exporters/metrics -update. Do not edit. -->\n\n")
	fmt.Fprintf(&b, docsIntro, DefaultTop, maxGroups)
	table := func(title string, families []*family) {
		fmt.Fprintf(&b, "## %s\n\n| metric | type | labels | help |\n|---|---|---|---|\n", title)
		for _, f := range families {
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.name, f.kind, strings.Join(f.labels, ", "), f.help)
		}
		b.WriteString("\n")
	}
	table("About the last report", reportFamilies())
	table("About the daemon", daemonFamilies())
	b.WriteString(docsEnd)
	golden(t, "../../docs/metrics.md", b.String())
}
