package promql

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
)

// usageCase is one entry of testdata/usage/usage.json.
type usageCase struct {
	ID            string            `json:"id"`
	Expr          string            `json:"expr"`
	Lang          string            `json:"lang"`
	VariableQuery bool              `json:"variable_query"`
	Vars          map[string]string `json:"vars"` // "?" is a variable of unknown values
	Opaque        bool              `json:"opaque"`
	Selectors     []caseSelector    `json:"selectors"`
}

type caseSelector struct {
	Selector string     `json:"selector"`
	Metrics  []string   `json:"metrics"`
	Hidden   bool       `json:"hidden"`
	Live     caseLabels `json:"live_labels"`
}

type caseLabels struct {
	Mode   string   `json:"mode"`
	Labels []string `json:"labels"`
}

func (c usageCase) expression() sentei.Expression {
	e := sentei.Expression{Text: c.Expr, Lang: sentei.Lang(c.Lang), VariableQuery: c.VariableQuery}
	if c.Lang == "grafana-variable" {
		e.Lang, e.Template = sentei.PromQL, true
	}
	for name, v := range c.Vars {
		if v != "?" {
			e.Variables = append(e.Variables, sentei.Variable{Name: name, Values: []string{v}})
		}
	}
	slices.SortFunc(e.Variables, func(a, b sentei.Variable) int { return strings.Compare(a.Name, b.Name) })
	return e
}

func readJSON(t testing.TB, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(filepath.FromSlash(path))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func universe(t testing.TB) []labels.Labels {
	t.Helper()
	var maps []map[string]string
	readJSON(t, "../../testdata/usage/universe.json", &maps)
	var all []labels.Labels
	for _, m := range maps {
		all = append(all, labels.FromMap(m))
	}
	return all
}

// The cases say for each expression which selectors it has, which metrics of
// the universe they match, and which labels are live.
func TestUsageCases(t *testing.T) {
	var cases []usageCase
	readJSON(t, "../../testdata/usage/usage.json", &cases)
	if len(cases) == 0 {
		t.Fatal("no cases")
	}
	series := universe(t)
	for _, c := range cases {
		t.Run(c.ID, func(t *testing.T) {
			x := Explain(Analyze(c.expression(), sentei.AllLabelsBut()), series)
			if x.Opaque != c.Opaque {
				t.Errorf("opaque %v, want %v: %q", x.Opaque, c.Opaque, x.Problems)
			}
			out, err := json.Marshal(x)
			if err != nil {
				t.Fatal(err)
			}
			var got struct{ Selectors []caseSelector }
			if err := json.Unmarshal(out, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(byContent(c.Selectors), byContent(got.Selectors)); diff != "" {
				t.Errorf("selectors of %s (-want +got):\n%s", c.Expr, diff)
			}
		})
	}
}

func byContent(s []caseSelector) []string {
	var out []string
	for _, sel := range s {
		text, err := json.Marshal(sel)
		if err != nil {
			panic(err)
		}
		out = append(out, string(text))
	}
	slices.Sort(out)
	return slices.Compact(out)
}
