package grafana

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei/internal/tree"
)

// TestEmptyValueIsNotEnumerated: {a="$v"} with an empty v selects series that
// do not have the label a, so such a variable may be anything.
func TestEmptyValueIsNotEnumerated(t *testing.T) {
	tests := map[string]struct {
		body string
		want []string
	}{
		"values":                 {`{"query": "x, y", "options": [{"text": "x", "value": "x"}, {"text": "y", "value": "y"}]}`, []string{"x", "y"}},
		"an option without text": {`{"query": "x", "options": [{"text": "None", "value": ""}, {"text": "x", "value": "x"}]}`, nil},
		"an empty value between": {`{"query": "x,,y"}`, nil},
		"nothing chosen yet":     {`{"query": "x", "current": {}}`, []string{"x"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			docs, err := tree.ParseJSON([]byte(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			got, known := enumerate("custom", docs)
			if known != (tt.want != nil) {
				t.Fatalf("known %v: %q", known, got)
			}
			seen := map[string]bool{}
			var distinct []string
			for _, v := range got {
				if !seen[v] {
					seen[v] = true
					distinct = append(distinct, v)
				}
			}
			if d := cmp.Diff(tt.want, distinct); d != "" {
				t.Error(d)
			}
		})
	}
}
