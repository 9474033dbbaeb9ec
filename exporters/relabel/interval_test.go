package relabel

import (
	"strings"
	"testing"
	"time"

	"github.com/sentei/sentei"
)

// TestIntervalIsNeverShortened changes the file after the proposal was made.
func TestIntervalIsNeverShortened(t *testing.T) {
	r := &sentei.Report{
		Backends: []sentei.Backend{{Name: "b", ScrapeJobs: []sentei.ScrapeJob{{Name: "a", JobLabels: []string{"a"}}}}},
		Proposals: []sentei.Proposal{{
			ID: "111111111111", Grade: sentei.GradeC, State: sentei.Accepted, Place: sentei.Place{Backend: "b", ScrapeJob: "a"},
			Action: sentei.Action{Kind: sentei.SetInterval, Interval: time.Minute, Before: 15 * time.Second},
		}},
	}
	for _, tt := range []struct{ global, own, want string }{
		{"15s", "", "\n  scrape_interval: 1m\n"},
		{"15s", "  scrape_interval: 30s\n", "\n  scrape_interval: 1m\n"},
		{"15s", "  scrape_interval: 60s\n", ""},
		{"15s", "  scrape_interval: 2m\n", ""},
		{"2m", "", ""},
		{"2m", "  scrape_interval: 15s\n", "\n  scrape_interval: 1m\n"},
	} {
		text := "global:\n  scrape_interval: " + tt.global + "\nscrape_configs:\n- job_name: a\n" + tt.own
		patches, err := Apply(r, "b", File{Path: "prometheus.yml", Content: []byte(text)})
		if err != nil {
			t.Fatal(err)
		}
		p := patches[0]
		if got := string(p.Result); tt.want == "" && got != text || !strings.Contains(got, tt.want) || len(p.Skipped) > 0 {
			t.Errorf("%q, %v:\n%s", tt, p.Skipped, got)
		}
	}
}
