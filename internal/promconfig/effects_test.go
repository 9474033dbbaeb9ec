package promconfig

import (
	"testing"
	"time"
)

func TestReadEffects(t *testing.T) {
	e, err := ReadEffects([]byte(`global: {scrape_interval: 20s, convert_classic_histograms_to_nhcb: true}
scrape_configs:
- job_name: a
  scrape_interval: 30s
  convert_classic_histograms_to_nhcb: false
  metric_relabel_configs: [{source_labels: [__name__], regex: x, action: drop}]
- job_name: b
remote_write:
- url: https://kim:secret@far/write
  write_relabel_configs: [{source_labels: [__name__], regex: y, action: drop}]
- {url: https://other/write, name: other}
- url: https://twice/write
- url: https://twice/write
`), File{"jobs.yml", []byte("scrape_configs: [{job_name: c, scrape_interval: 1m}]")})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]JobEffects{"a": {Interval: 30 * time.Second}, "b": {Interval: 20 * time.Second, Converts: true}, "c": {Interval: time.Minute, Converts: true}} {
		got, ok := e.Jobs[name]
		if !ok || got.Interval != want.Interval || got.Converts != want.Converts || len(got.Rules) > 0 != (name == "a") {
			t.Errorf("%s: %+v", name, got)
		}
	}
	for name, rules := range map[string]int{"https://kim:secret@far/write": 1, "https://kim:xxxxx@far/write": 1, "other": 0, "https://other/write": 0} {
		if w := e.RemoteWrite(name); w == nil || len(w.Rules) != rules {
			t.Errorf("%s: %+v", name, w)
		}
	}
	for _, name := range []string{"https://twice/write", "https://nobody/write"} {
		if w := e.RemoteWrite(name); w != nil {
			t.Errorf("%s: %+v", name, w)
		}
	}
}

func TestReadEffectsOfBadFile(t *testing.T) {
	if _, err := ReadEffects([]byte("scrape_configs: [{}]")); err == nil {
		t.Error("a job without a name is read")
	}
}

// TestReadLoaded tells an empty replacement from the default, as Prometheus 2
// and 3 show them.
func TestReadLoaded(t *testing.T) {
	const rules = `[{source_labels: [x], regex: (a|b), target_label: y}, {source_labels: [x], regex: (a|b), target_label: y, replacement: ""}, {source_labels: [x], regex: (a|b), target_label: y, replacement: $1}]`
	e, err := ReadLoaded([]byte("scrape_configs: [{job_name: a, metric_relabel_configs: " + rules + "}]\nremote_write: [{url: http://far, write_relabel_configs: " + rules + "}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"", "", "$1"} {
		if got, sent := e.Jobs["a"].Rules[i].Replacement, e.RemoteWrites[0].Rules[i].Replacement; got != want || sent != want || !e.Loaded {
			t.Errorf("rule %d: %q and %q, want %q", i, got, sent, want)
		}
	}
	if _, err := ReadLoaded([]byte("scrape_configs: [{}]")); err == nil {
		t.Error("a job without a name is read")
	}
}
