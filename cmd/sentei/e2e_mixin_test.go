//go:build e2e

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v4"

	"github.com/sentei/sentei/deploy/mixin"
)

// TestMixin evaluates every expression of every dashboard and alert against a
// real Prometheus that has scraped the real daemon, at work on the sample data.
func TestMixin(t *testing.T) {
	for name, variable := range map[string]string{
		"prometheus 2": "SENTEI_TEST_PROMETHEUS2",
		"prometheus 3": "SENTEI_TEST_PROMETHEUS3",
	} {
		t.Run(name, func(t *testing.T) { everyExpression(t, binary(t, variable)) })
	}
}

const mixinPrometheus = `
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [alerts/sentei.yaml]
scrape_configs:
  - job_name: sentei
    static_configs: [{targets: ["SENTEI"]}]
`

func everyExpression(t *testing.T, prometheus string) {
	dir := t.TempDir()
	if err := writeMixin(io.Discard, dir); err != nil {
		t.Fatal(err)
	}
	own, address := freeAddress(t), freeAddress(t)
	config := strings.ReplaceAll(mixinPrometheus, "SENTEI", own)
	if err := os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	serveSample(t, own)
	start(t, dir, prometheus, "--config.file=prometheus.yml", "--storage.tsdb.path=data", "--web.listen-address="+address)
	prom := server{"http://" + address}
	eventually(t, "scrapes of the report and the rules on them", func() error {
		if err := prom.has(`count_over_time(sentei_series{verdict="used"}[1h]) > 3`); err != nil {
			return err
		}
		return prom.has("sentei:metric_worst_label:info")
	})
	for _, q := range dashboardQueries(t) {
		if err := prom.answers(q); err != nil {
			t.Errorf("%s: %v", q.where, err)
		}
	}
	for _, q := range alertQueries(t) {
		if err := prom.answers(q); err != nil {
			t.Errorf("%s: %v", q.where, err)
		}
	}
	rulesAreHealthy(t, prom)
}

// serveSample runs the daemon on the sample data until the test ends.
func serveSample(t *testing.T, address string) {
	dir := t.TempDir()
	sampleConfig(t, dir, "reports: []", "reports: [{name: weekly, schedule: '@weekly', channels: [files: {directory: out}]}]")
	ctx, cancel := context.WithCancel(context.Background())
	code := make(chan int)
	var stderr bytes.Buffer
	go func() {
		code <- Run(ctx, []string{"serve", "--config.file=" + filepath.Join(dir, "config.yaml"), "--web.listen-address=" + address, "--log.level=error"}, nil, &stderr, &stderr)
	}()
	t.Cleanup(func() {
		cancel()
		if c := <-code; c != exitOK {
			t.Errorf("serve exits with %d: %s", c, stderr.String())
		}
	})
}

// A mixinQuery is one expression, and how Grafana asks it.
type mixinQuery struct {
	where, expr string
	instant     bool
}

// variables are what the user has chosen on a dashboard, and what Grafana knows
// itself.
var variables = strings.NewReplacer(
	"$backend", "demo",
	"$metric", "http_request_duration_seconds_bucket",
	"$__range", "1h",
	"$__interval", "1s",
)

var labelValues = regexp.MustCompile(`^label_values\((.+), (\w+)\)$`)

func dashboardQueries(t *testing.T) []mixinQuery {
	t.Helper()
	var all []mixinQuery
	files, err := fs.Glob(mixin.Files(), "dashboards/*.json")
	if err != nil || len(files) < 3 {
		t.Fatalf("%d dashboards, %v", len(files), err)
	}
	for _, file := range files {
		text, err := fs.ReadFile(mixin.Files(), file)
		if err != nil {
			t.Fatal(err)
		}
		var board struct {
			Panels []struct {
				Title   string
				Type    string
				Targets []struct {
					Expr    string
					Instant bool
				}
			}
			Templating struct {
				List []struct {
					Name, Type string
					Query      json.RawMessage
				}
			}
		}
		if err := json.Unmarshal(text, &board); err != nil {
			t.Fatal(err)
		}
		for _, p := range board.Panels {
			if len(p.Targets) == 0 && p.Type != "row" {
				t.Errorf("%s: panel %s asks nothing", file, p.Title)
			}
			for _, target := range p.Targets {
				all = append(all, mixinQuery{file + ", panel " + p.Title, variables.Replace(target.Expr), target.Instant})
			}
		}
		for _, v := range board.Templating.List {
			if v.Type != "query" {
				continue
			}
			var q struct{ Query string }
			if err := json.Unmarshal(v.Query, &q); err != nil {
				t.Fatal(err)
			}
			parts := labelValues.FindStringSubmatch(variables.Replace(q.Query))
			if parts == nil {
				t.Fatalf("%s, variable %s: %s", file, v.Name, q.Query)
			}
			expr := fmt.Sprintf(`group by (%s) ({%s!="",__name__!=""} and %s)`, parts[2], parts[2], parts[1])
			all = append(all, mixinQuery{file + ", variable " + v.Name, expr, true})
		}
	}
	return all
}

// emptyIsGood are series that a healthy server does not have on its first day:
// the unit tests of the alerts let them appear.
var emptyIsGood = []string{"sentei:metric_series:yesterday", "sentei:metric_series:exploded"}

// alertQueries returns what alerts and recording rules read: their expressions
// without the comparison.
func alertQueries(t *testing.T) []mixinQuery {
	t.Helper()
	text, err := fs.ReadFile(mixin.Files(), "alerts/sentei.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Rules []struct{ Alert, Record, Expr string }
		}
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	var all []mixinQuery
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			expr, err := parser.NewParser(parser.Options{}).ParseExpr(r.Expr)
			if err != nil {
				t.Fatal(err)
			}
			found := false
			parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
				if s, ok := n.(*parser.VectorSelector); ok {
					found = true
					if !slices.Contains(emptyIsGood, s.Name) {
						s.OriginalOffset, s.Offset = 0, 0 // nothing is a day old
						all = append(all, mixinQuery{"rule " + r.Alert + r.Record, s.String(), true})
					}
				}
				return nil
			})
			if !found {
				t.Errorf("rule %s%s reads nothing", r.Alert, r.Record)
			}
		}
	}
	return all
}

// answers checks that Grafana would get something for the query.
func (s server) answers(q mixinQuery) error {
	if q.instant {
		return s.has(q.expr)
	}
	now := time.Now().Unix()
	var answer struct {
		Data struct {
			Result []struct{ Values [][2]any }
		}
	}
	err := s.get("/api/v1/query_range", url.Values{
		"query": {q.expr}, "start": {strconv.FormatInt(now-60, 10)}, "end": {strconv.FormatInt(now, 10)}, "step": {"1"},
	}, &answer)
	if err == nil && len(answer.Data.Result) == 0 {
		err = fmt.Errorf("%s returns nothing", q.expr)
	}
	return err
}

// rulesAreHealthy checks that the server evaluates every rule, that nothing
// fires on the sample data but what is meant to, and that no template fails.
func rulesAreHealthy(t *testing.T, prom server) {
	t.Helper()
	eventually(t, "the rules are evaluated", func() error {
		var answer struct {
			Data struct {
				Groups []struct {
					Rules []struct{ Name, Health, LastError, State string }
				}
			}
		}
		if err := prom.get("/api/v1/rules", nil, &answer); err != nil {
			return err
		}
		n := 0
		for _, g := range answer.Data.Groups {
			for _, r := range g.Rules {
				n++
				if r.Health != "ok" {
					return fmt.Errorf("rule %s is %s: %s", r.Name, r.Health, r.LastError)
				}
				if r.State != "" && r.State != "inactive" {
					return fmt.Errorf("alert %s is %s", r.Name, r.State)
				}
			}
		}
		if n < 10 {
			return fmt.Errorf("%d rules", n)
		}
		return nil
	})
}

// TestMixinTools lets promtool test the alerts, and jsonnet read the mixin.
func TestMixinTools(t *testing.T) {
	for _, args := range [][]string{
		{binary(t, "SENTEI_TEST_PROMTOOL"), "check", "rules", "--lint=all", "--lint-fatal", "alerts/sentei.yaml"},
		{binary(t, "SENTEI_TEST_PROMTOOL"), "test", "rules", "tests/alerts.yaml"},
	} {
		cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
		cmd.Dir = "../../deploy/mixin"
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%q: %v\n%s", args, err, out)
		}
	}
	const program = `local m = import 'mixin.libsonnet'; {
		dashboards: [m.grafanaDashboards[f].uid + '.json' == f for f in std.objectFields(m.grafanaDashboards)],
		alerts: [r.alert for g in m.prometheusAlerts.groups for r in g.rules],
		records: [r.record for g in m.prometheusRules.groups for r in g.rules],
	}`
	cmd := exec.CommandContext(t.Context(), binary(t, "SENTEI_TEST_JSONNET"), "-e", program)
	cmd.Dir = "../../deploy/mixin"
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Dashboards      []bool
		Alerts, Records []string
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Dashboards) != 3 || slices.Contains(got.Dashboards, false) || len(got.Alerts) < 6 || len(got.Records) < 3 {
		t.Errorf("jsonnet gives %+v", got)
	}
}
