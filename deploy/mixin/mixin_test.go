package mixin

import (
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

// rules returns all rules of the alert file.
func rules(t *testing.T) []rulefmt.Rule {
	t.Helper()
	text, err := fs.ReadFile(Files(), "alerts/sentei.yaml")
	if err != nil {
		t.Fatal(err)
	}
	groups, errs := rulefmt.Parse(text, false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	var all []rulefmt.Rule
	for _, g := range groups.Groups {
		all = append(all, g.Rules...)
	}
	return all
}

func alerts(t *testing.T) []rulefmt.Rule {
	t.Helper()
	all := slices.DeleteFunc(rules(t), func(r rulefmt.Rule) bool { return r.Alert == "" })
	if len(all) < 6 {
		t.Fatalf("%d alerts", len(all))
	}
	return all
}

func TestAlertsTellWhatTheyMean(t *testing.T) {
	for _, r := range alerts(t) {
		if r.Annotations["summary"] == "" || r.Annotations["description"] == "" || r.Labels["severity"] == "" {
			t.Errorf("%s: summary, description or severity is missing", r.Alert)
		}
		if want := "https://github.com/sentei/sentei/blob/main/docs/runbooks/" + r.Alert + ".md"; r.Annotations["runbook_url"] != want {
			t.Errorf("%s: runbook_url is %s, want %s", r.Alert, r.Annotations["runbook_url"], want)
		}
	}
}

// Every alert has a runbook, and every runbook an alert.
func TestRunbooks(t *testing.T) {
	var want, got []string
	for _, r := range alerts(t) {
		want = append(want, r.Alert)
	}
	pages, err := filepath.Glob("../../docs/runbooks/*.md")
	if err != nil {
		t.Fatal(err)
	}
	overview, err := os.ReadFile("../../docs/grafana.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		name := strings.TrimSuffix(filepath.Base(page), ".md")
		got = append(got, name)
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(text), "# "+name+"\n") {
			t.Errorf("the title of %s is not %s", page, name)
		}
		for _, part := range []string{"**What it means.**", "**Look**", "**Mend it"} {
			if !strings.Contains(string(text), part) {
				t.Errorf("%s does not tell %s", page, part)
			}
		}
		if !strings.Contains(string(overview), "["+name+"](runbooks/"+name+".md)") {
			t.Errorf("docs/grafana.md does not name %s", name)
		}
	}
	slices.Sort(want)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("alerts and runbooks differ (-alerts +runbooks):\n%s", d)
	}
}

// Every alert has a unit test in which it fires.
func TestEveryAlertIsTested(t *testing.T) {
	text, err := os.ReadFile("tests/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range alerts(t) {
		fires := regexp.MustCompile(`alertname: ` + r.Alert + `\n\s+exp_alerts:\n\s+- exp_labels:`)
		if !fires.Match(text) {
			t.Errorf("no unit test lets %s fire", r.Alert)
		}
	}
}

// Rules ask for documented metrics, or for what other rules record.
func TestRulesAskForWhatThereIs(t *testing.T) {
	doc, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, r := range rules(t) {
		known[r.Record] = true
	}
	for _, name := range regexp.MustCompile("`(sentei_[a-z_]+)`").FindAllStringSubmatch(string(doc), -1) {
		known[name[1]] = true
	}
	for _, r := range rules(t) {
		texts := []string{r.Expr}
		for _, a := range r.Annotations {
			texts = append(texts, regexp.MustCompile(`"[^"]*sentei[^"]*"`).FindAllString(a, -1)...)
		}
		for _, name := range regexp.MustCompile(`sentei[_:][a-z_:0-9]+`).FindAllString(strings.Join(texts, " "), -1) {
			if !known[name] {
				t.Errorf("%s%s asks for %s, which nothing makes", r.Alert, r.Record, name)
			}
		}
	}
}

// The jsonnet names every dashboard, and the README every file.
func TestNothingIsForgotten(t *testing.T) {
	jsonnet, err := fs.ReadFile(Files(), "mixin.libsonnet")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := fs.ReadFile(Files(), "README.md")
	if err != nil {
		t.Fatal(err)
	}
	err = fs.WalkDir(Files(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path == "README.md" {
			return err
		}
		if !strings.Contains(string(readme), "`"+path+"`") {
			t.Errorf("README.md does not name %s", path)
		}
		if path != "mixin.libsonnet" && !strings.Contains(string(jsonnet), "'"+path+"'") {
			t.Errorf("mixin.libsonnet does not import %s", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
