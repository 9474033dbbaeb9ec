package relabeling

import (
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/relabel"
	"go.yaml.in/yaml/v2"

	"github.com/sentei/sentei"
)

func TestPresent(t *testing.T) {
	strip := sentei.Proposal{Action: sentei.Action{Kind: sentei.StripLabel, Metric: "a", Label: "pod"}}
	drop := sentei.Proposal{Action: sentei.Action{Kind: sentei.DropMetric, Metric: "a"}}
	tests := map[string]struct {
		rules string
		p     sentei.Proposal
		want  bool
	}{
		"strip":                                {`[{source_labels: [__name__], regex: a, target_label: pod, replacement: ""}]`, strip, true},
		"a copy":                               {`[{source_labels: [__name__], regex: (a), target_label: pod}]`, strip, false},
		"strip of another":                     {`[{source_labels: [__name__], regex: b, target_label: pod, replacement: ""}]`, strip, false},
		"strip that depends on something else": {`[{source_labels: [__name__, x], regex: a;y, target_label: pod, replacement: ""}]`, strip, false},
		"labeldrop":                            {`[{action: labeldrop, regex: p.d}]`, strip, true},
		"drop":                                 {`[{source_labels: [__name__], regex: a|b, action: drop}]`, drop, true},
		"drop of another, then of it":          {`[{source_labels: [__name__], regex: b, action: drop}, {source_labels: [__name__], regex: a, action: drop}]`, drop, true},
		"drop of another":                      {`[{source_labels: [__name__], regex: b, action: drop}]`, drop, false},
		"no rules":                             {`[]`, drop, false},
		"no relabel rule does it":              {`[{source_labels: [__name__], regex: a, action: drop}]`, sentei.Proposal{Action: sentei.Action{Kind: sentei.DeleteRules, Metric: "a"}}, false},
	}
	for name, tt := range tests {
		var rules []*relabel.Config
		if err := yaml.Unmarshal([]byte(tt.rules), &rules); err != nil {
			t.Fatal(err)
		}
		for _, r := range rules {
			if err := r.Validate(model.UTF8Validation); err != nil {
				t.Fatal(err)
			}
		}
		if got := Present(rules, &tt.p); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
