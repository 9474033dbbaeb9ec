package grafana

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What a dashboard does not tell must not be taken for nothing.
func TestUntold(t *testing.T) {
	const panel = `{"title": "P", "libraryPanel": {"uid": "x", "name": "X"}, "targets": [{"expr": "up"}]}`
	missing := `dashboard "D", panel "P", a.json:1: OPAQUE library panel "X" (uid x) is in none of the files`
	up := `dashboard "D", panel "P", a.json:1: up`
	tests := map[string]struct {
		in   string
		want []string
	}{
		"library panel with a copy":       {`{"title": "D", "panels": [` + panel + `]}`, []string{up, missing}},
		"in a row":                        {`{"title": "D", "rows": [{"panels": [` + panel + `]}]}`, []string{up, missing}},
		"without meta":                    {`{"dashboard": {"title": "D", "panels": [` + panel + `]}}`, []string{up, missing}},
		"answer of the API":               {`{"meta": {}, "dashboard": {"title": "D", "panels": [` + panel + `]}}`, []string{up}},
		"answer, then a file in one list": {`[{"meta": {}, "dashboard": {"title": "D", "panels": [` + panel + `]}}, {"title": "D", "panels": [` + panel + `]}]`, []string{up, up, missing}},
		"answer without a copy": {`{"meta": {}, "dashboard": {"title": "D", "panels": [{"title": "P", "libraryPanel": {"uid": "x", "name": "X"}}]}}`,
			[]string{missing}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			file, err := Read("a.json", []byte(tt.in))
			if err != nil || len(file.Issues) > 0 {
				t.Fatal(err, file.Issues)
			}
			var got []string
			for _, d := range file.Dashboards {
				for _, q := range d.Queries(nil) {
					line := fmt.Sprintf("%s: %s", q.Location, q.Expression.Text)
					if q.Opaque != "" {
						line += "OPAQUE " + q.Opaque
					}
					got = append(got, line)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
