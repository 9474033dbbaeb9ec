package promconfig

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOtherChanges(t *testing.T) {
	const base = `
global: {scrape_interval: 15s}
rule_files: [a.yml]
remote_write: [{url: "http://far/write", write_relabel_configs: [{regex: a, action: labeldrop}]}]
scrape_configs:
  - {job_name: api, scrape_interval: 15s, relabel_configs: [{target_label: x, replacement: y}], metric_relabel_configs: [{regex: a, action: labeldrop}]}
  - job_name: node
`
	for name, tt := range map[string]struct {
		wanted string
		want   []string
	}{
		"nothing": {base, nil},
		"written otherwise": {`
scrape_configs:
- metric_relabel_configs: []
  job_name: node
- job_name: api
  relabel_configs:
  - replacement: y
    target_label: x
  scrape_interval: "15s"
remote_write:
- write_relabel_configs: [{action: labeldrop, regex: a}]
  url: http://far/write
rule_files: ["a.yml"]
global:
  scrape_interval: 15s
`, nil},
		"all": {`
global: {scrape_interval: 15s, external_labels: {a: b}}
alerting: {alertmanagers: []}
remote_write: [{url: "http://far/write", name: far}]
scrape_configs:
  - {job_name: api, scrape_interval: 30s, honor_labels: true}
  - job_name: new
`, []string{
			"alerting", "global", "name of remote_write http://far/write", "write_relabel_configs of remote_write http://far/write", "rule_files",
			`honor_labels of the scrape job "api"`, `relabel_configs of the scrape job "api"`, `scrape_interval of the scrape job "api"`,
		}},
		"remote write gone": {`
global: {scrape_interval: 15s}
rule_files: [a.yml]
`, []string{"remote_write: 0 entries instead of 1"}},
	} {
		got, err := OtherChanges([]byte(base), nil, []byte(tt.wanted), nil)
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v, -want +got\n%s", name, err, diff)
		}
	}
	for _, bad := range [][2]string{{"a: [", ""}, {"", "a: ["}} {
		if _, err := OtherChanges([]byte(bad[0]), nil, []byte(bad[1]), nil); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}
