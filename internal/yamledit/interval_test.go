package yamledit

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestInterval(t *testing.T) {
	const comment = "# why\n"
	tests := map[string]struct{ file, want, skipped string }{
		"its own": {
			"scrape_configs:\n  - job_name: a\n    scrape_interval: 15s # often\n    metrics_path: /m\n  - job_name: b\n    scrape_interval: 15s\n",
			"scrape_configs:\n  - job_name: a\n    # why\n    scrape_interval: 1m # often\n    metrics_path: /m\n  - job_name: b\n    scrape_interval: 15s\n", "",
		},
		"quoted": {"scrape_configs:\n- job_name: a\n  scrape_interval: \"15s\"\n", "scrape_configs:\n- job_name: a\n  # why\n  scrape_interval: 1m\n", ""},
		"none": {
			"global: {scrape_interval: 5s}\nscrape_configs:\n  - job_name: a # the name\n    metrics_path: /m\n",
			"global: {scrape_interval: 5s}\nscrape_configs:\n  - job_name: a # the name\n    # why\n    scrape_interval: 1m\n    metrics_path: /m\n", "",
		},
		"nothing but the name": {"scrape_configs:\n  - job_name: a", "scrape_configs:\n  - job_name: a\n    # why\n    scrape_interval: 1m", ""},
		"before the name": {
			"scrape_configs:\n  - scrape_interval: 15s\n    job_name: a\n", "scrape_configs:\n  # why\n  - scrape_interval: 1m\n    job_name: a\n", "",
		},
		// Prometheus reads the merged one when that comes last.
		"merged":    {"x: &x {scrape_interval: 5s}\nscrape_configs:\n  - job_name: a\n    <<: *x\n", "", "other parts of the file would change"},
		"Windows":   {"scrape_configs:\r\n  - job_name: a\r\n    scrape_interval: 15s\r\n", "scrape_configs:\r\n  - job_name: a\r\n    # why\r\n    scrape_interval: 1m\r\n", ""},
		"other job": {"scrape_configs:\n  - job_name: b\n", "", "it is not in this file"},
		"braces":    {"scrape_configs:\n  - {job_name: a, scrape_interval: 5s}\n", "", "line 2: scrape job \"a\": the job is written in braces; set its scrape_interval to 1m by hand"},
		"an alias":  {"x: &x 5s\nscrape_configs:\n  - job_name: a\n    scrape_interval: *x\n", "", "is an alias (*x)"},
		"an anchor": {"scrape_configs:\n  - job_name: a\n    scrape_interval: &x 5s\n  - job_name: b\n    scrape_interval: *x\n", "", "has an anchor (&x)"},
		"below its key": {
			"scrape_configs:\n  - job_name: a\n    scrape_interval:\n      5s\n", "", "cannot be replaced",
		},
		"shared as a whole": {"scrape_configs:\n  - &x\n    job_name: a\n    scrape_interval: 5s\n  - <<: *x\n    job_name: b\n", "", "other parts of the file would change"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p, err := Append([]byte(tt.file), []Addition{{Job: "a", Items: comment, Interval: "1m"}})
			if err != nil {
				t.Fatal(err)
			}
			if tt.skipped != "" {
				if len(p.Skipped) != 1 || !strings.Contains(p.Skipped[0].Error(), tt.skipped) || string(p.Result) != tt.file {
					t.Errorf("skipped %v, result\n%s", p.Skipped, p.Result)
				}
				return
			}
			if diff := cmp.Diff(tt.want, string(p.Result)); diff != "" || len(p.Skipped) > 0 {
				t.Errorf("skipped %v, -want +got\n%s", p.Skipped, diff)
			}
		})
	}
}

// TestIntervalAndRules sets an interval and adds rules to the same job.
func TestIntervalAndRules(t *testing.T) {
	p, err := Append([]byte("scrape_configs:\n  - job_name: a\n"), []Addition{
		{Job: "a", Items: "- {regex: x, action: labeldrop}\n"}, {Job: "a", Items: "# why\n", Interval: "1m"},
	})
	if err != nil || len(p.Skipped) > 0 {
		t.Fatal(err, p)
	}
	for _, want := range []string{"    scrape_interval: 1m\n", "    metric_relabel_configs:\n      - {regex: x"} {
		if !strings.Contains(string(p.Result), want) {
			t.Errorf("%q lacks %q", p.Result, want)
		}
	}
}
