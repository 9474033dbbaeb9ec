package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/spf13/pflag"

	"github.com/sentei/sentei"
)

const minimal = "backends:\n  - name: main\n    inventory:\n      - block: {path: data}\n"

func load(t *testing.T, text string, o Overlay) (*Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load(path, o)
}

func TestLoadErrors(t *testing.T) {
	tests := map[string]struct{ yaml, want string }{
		"empty file":                 {"", "backends is empty"},
		"unknown key, with line":     {minimal + "scann: {}\n", "config.yaml: line 5: field scann not found$"},
		"unknown nested key":         {"web:\n  listen_adress: x\n" + minimal, "line 2: field listen_adress not found"},
		"wrong type":                 {"web:\n  enable_lifecycle: perhaps\n" + minimal, "line 2"},
		"bad duration":               {"analysis:\n  window: a month\n" + minimal, "line 2"},
		"bad schedule":               {"scan: {schedule: sometimes}\n" + minimal, "scan.schedule"},
		"bad level":                  {"log: {level: loud}\n" + minimal, `log.level is "loud"`},
		"bad class":                  {"analysis: {require: [logs]}\n" + minimal, `analysis.require: "logs"`},
		"accepted without why":       {"accepted_problems: [{id: abc}]\n" + minimal, "accepted_problems[0]"},
		"no inventory":               {"backends: [{name: a}]\n", "backend a: inventory is empty"},
		"same name twice":            {"backends: [{name: a, inventory: [{block: {}}]}, {name: a, inventory: [{block: {}}]}]\n", `"a" is taken`},
		"bad external URL":           {"web: {external_url: sentei}\n" + minimal, "web.external_url"},
		"external URL, no scheme":    {"web: {external_url: 'sentei.example.org:9817'}\n" + minimal, "want an address such as https://"},
		"external URL, no host":      {"web: {external_url: 'https:///sentei'}\n" + minimal, "web.external_url"},
		"external URL of mail":       {"web: {external_url: 'mailto://sentei.example.org'}\n" + minimal, "web.external_url"},
		"bad state of output":        {"output: {relabel_state: some}\n" + minimal, `output.relabel_state is "some": want open or accepted`},
		"accepted without store":     {"output: {relabel_state: accepted}\n" + minimal, "set store.path"},
		"exemption without why":      {"exemptions:\n  - metric: up\n" + minimal, "line 2: exemption: a reason is needed"},
		"exemption of nothing":       {"exemptions:\n  - reason: x\n" + minimal, "either metric or selector is needed"},
		"exemption with both":        {"exemptions:\n  - {metric: up, selector: '{a=\"b\"}', reason: x}\n" + minimal, "either metric or selector"},
		"exemption with bad day":     {"exemptions:\n  - metric: up\n    reason: x\n    expires: soon\n" + minimal, "line 2: exemption: expires is \"soon\": want its last day, such as 2027-01-31"},
		"exemption, bad selector":    {"exemptions:\n  - {selector: '{a=', reason: x}\n" + minimal, "line 2: exemption: selector {a=: "},
		"exemption of everything":    {"exemptions:\n  - {selector: '{}', reason: x}\n" + minimal, "line 2: exemption: selector {}: "},
		"exemption with unknown key": {"exemptions:\n  - metric: up\n    until: x\n" + minimal, "config.yaml: line 3: field until not found$"},
		"budget below zero":          {minimal + "    budget: {series: -1}\n", "backend main: budget: series and per_month must not be negative"},
		"budget without prices":      {minimal + "    budget: {per_month: 10}\n", "backend main: budget.per_month: nothing has a price"},
		"two documents":              {minimal + "---\na: b\n", "document"},
		"owners with unknown key":    {"owners:\n  lable: team\n" + minimal, "config.yaml: line 2: field lable not found$"},
		"owners with bad label":      {"owners:\n  label: __name__\n" + minimal, `line 2: owners: label is "__name__"`},
		"rule without owner":         {"owners:\n  rules:\n    - metric: up\n" + minimal, "line 3: rule of owners: it needs an owner"},
		"rule of nothing":            {"owners:\n  rules:\n    - owner: a\n" + minimal, "either metric or selector is needed"},
		"rule of both":               {"owners:\n  rules:\n    - {owner: a, metric: up, selector: up}\n" + minimal, "line 3: rule of owners: both metric and selector are set: leave one out"},
		"schedule of a word":         {"scan: {schedule: weekly}\n" + minimal, "[weekly]; write five fields of cron, such as"},
		"rule of everything":         {"owners:\n  rules:\n    - {owner: a, selector: '{}'}\n" + minimal, "selector {}: it has no matcher"},
		"rule, bad selector":         {"owners:\n  rules:\n    - {owner: b, metric: up}\n    - {owner: a, selector: '{a='}\n" + minimal, "line 4: rule of owners: selector {a=: "},
		"rule, bad metric":           {"owners:\n  rules:\n    - {owner: a, metric: 'a('}\n" + minimal, "line 3: rule of owners: metric a(: "},
		"schedule of no day":         {"scan: {schedule: '0 0 31 2 *'}\n" + minimal, "scan.schedule: there is no such day"},
		"time zone alone":            {"scan: {schedule: 'TZ=UTC'}\n" + minimal, "scan.schedule: the time zone needs"},
		"time zone of nothing":       {"scan: {schedule: 'CRON_TZ= 0 7 * * 1'}\n" + minimal, "scan.schedule: the time zone is missing after TZ="},
		"time zone, many blanks":     {"scan: {schedule: 'TZ=   @daily'}\n" + minimal, "scan.schedule: the time zone is missing"},
		"every moment":               {"scan: {schedule: '@every -1h'}\n" + minimal, "scan.schedule: @every -1h is too short"},
		"every moment of a zone":     {"scan: {schedule: 'CRON_TZ=UTC @every 10ms'}\n" + minimal, "@every 10ms is too short"},
		"reports without a name":     {"reports:\n  - {name: a, schedule: '@daily', channels: [files: {}]}\n  - {schedule: '@daily', channels: [files: {}]}\n  - {schedule: '@daily', channels: [files: {}]}\n" + minimal, "line 3: reports[1]: name is missing\nline 4: reports[2]: name is missing$"},
		"report with unknown key":    {"reports:\n  - {name: a, chanels: []}\n" + minimal, "line 2: field chanels not found$"},
		"report of nothing":          {"reports:\n  - {split: team, owners: [a], top: -1, give_up_after: 0s}\n" + minimal, `line 2: reports[0]: name is missing; schedule "": it is missing: write five fields of cron, such as "0 7 * * 1", or @daily, @weekly; split is "team": want backend, owner or nothing; owners needs split: owner; top must not be negative; give_up_after must be positive; channels is empty`},
		"report of no backend":       {"reports:\n  - {name: a, schedule: '@daily', backends: [b], channels: [files: {}]}\n" + minimal, `line 2: report a: there is no backend "b"`},
		"reports of one name":        {"reports:\n  - &r {name: a, schedule: '@daily', channels: [files: {}]}\n  - {name: a, schedule: '@daily', channels: [files: {}]}\n" + minimal, "line 3: report a: the name is taken"},
		"report by owner of nobody":  {"reports:\n  - {name: a, schedule: '@daily', split: owner, channels: [files: {}]}\n" + minimal, "line 2: report a: split: owner needs the section owners"},
		"bad retention":              {"store: {report_retention: 0s}\n" + minimal, "store.report_retention"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, tt.yaml, Overlay{})
			want, whole := strings.CutSuffix(tt.want, "$") // the end of the error
			if err == nil || !strings.Contains(err.Error(), want) || whole && !strings.HasSuffix(err.Error(), want) {
				t.Fatalf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestOverlayOrder(t *testing.T) {
	text := "web: {listen_address: file:1}\nscan: {timeout: 5m}\n" + minimal
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	AddFlags(flags)
	AddLogFlags(flags)
	if err := flags.Parse([]string{"--web.listen-address=flag:1", "--output.top-metrics=7"}); err != nil {
		t.Fatal(err)
	}
	c, err := load(t, text, Overlay{Flags: flags, Environ: []string{
		"SENTEI_WEB_LISTEN_ADDRESS=env:1", "SENTEI_SCAN_TIMEOUT=90s", "SENTEI_WEB_ENABLE_LIFECYCLE=true", "SENTEI_PORT=tcp://10.0.0.1:80",
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Web.ListenAddress = "flag:1"                         // flag beats environment and file
	want.Web.EnableLifecycle = true                           // environment beats default
	want.Scan.Timeout = model.Duration(90 * time.Second)      // environment beats file
	want.Output.TopMetrics = 7                                // flag beats default
	want.Analysis.MinWindow = model.Duration(720 * time.Hour) // untouched
	for _, d := range []string{
		cmp.Diff(want.Web, c.Web), cmp.Diff(want.Scan, c.Scan), cmp.Diff(want.Output, c.Output),
		cmp.Diff(want.Analysis, c.Analysis), cmp.Diff(want.Log, c.Log),
	} {
		if d != "" {
			t.Error(d)
		}
	}
	if _, err := load(t, minimal, Overlay{Environ: []string{"SENTEI_SCAN_TIMEOUT=soon"}}); err == nil {
		t.Error("a bad value in the environment is no error")
	}
}

func TestEverySettingHasAFlag(t *testing.T) {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	AddFlags(flags)
	AddLogFlags(flags)
	count := 0
	flags.VisitAll(func(*pflag.Flag) { count++ })
	if count != len(settings) {
		t.Errorf("%d flags for %d settings", count, len(settings))
	}
	for _, s := range settings {
		if flags.Lookup(flagName(s)) == nil {
			t.Errorf("no flag for %s", s)
		}
	}
}

func TestCaseOfKeysIsKept(t *testing.T) {
	c, err := load(t, "prices: {currency: Eur}\nanalysis: {require: [rules]}\n"+minimal, Overlay{})
	if err != nil {
		t.Fatal(err)
	}
	if c.Prices.Currency != "Eur" || len(c.Analysis.Require) != 1 || c.Analysis.Require[0] != sentei.ClassRules {
		t.Errorf("got %+v, %+v", c.Prices, c.Analysis)
	}
}

func TestExemptions(t *testing.T) {
	c, err := load(t, minimal+`exemptions:
  - metric: node.load # UTF-8
    reason: " because "
    owner: us
    expires: 2027-01-31
  - {selector: 'up{job=~"a|b"}', reason: it is}
`, Overlay{})
	if err != nil {
		t.Fatal(err)
	}
	first, second := &c.Exemptions[0], &c.Exemptions[1]
	if first.Selector != "node.load" || !first.Matchers[0].Matches("node.load") || first.Matchers[0].Matches("nodexload") ||
		first.Reason != "because" || first.Owner != "us" || first.Where != "line 6 of the configuration" {
		t.Errorf("%+v", first)
	}
	last := time.Date(2027, time.January, 31, 23, 59, 59, 0, time.UTC)
	if first.Expired(last) || !first.Expired(last.Add(time.Second)) {
		t.Errorf("it expires at %s", first.Expires)
	}
	if second.Expired(last) || len(second.Matchers) != 2 {
		t.Errorf("%+v", second)
	}
}
