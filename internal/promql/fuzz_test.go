package promql

import (
	"strings"
	"testing"

	"github.com/sentei/sentei"
)

// seeds are expressions of every kind that the tables of the tests hold.
func seeds(f *testing.F, lang string) {
	var cases []usageCase
	readJSON(f, "../../testdata/usage/usage.json", &cases)
	for _, c := range cases {
		if lang == "" || c.Lang == lang {
			f.Add(c.Expr)
		}
	}
}

// check says what must hold for every expression: nothing panics, and each
// written selector has its parts.
func check(t *testing.T, e sentei.Expression) Analysis {
	t.Helper()
	a := Analyze(e, sentei.AllLabelsBut())
	if strings.HasPrefix(a.Opaque, "analysis failed") {
		t.Errorf("%q: %s", e.Text, a.Opaque)
	}
	parts := 0
	for _, w := range a.written {
		parts += w.parts
	}
	if parts != len(a.Selectors) {
		t.Errorf("%q: %d parts of %d selectors", e.Text, parts, len(a.Selectors))
	}
	for _, s := range a.Selectors {
		if s.Live.Has("__name__") != s.Live.AllBut {
			t.Errorf("%q: the name is listed in %s", e.Text, s.Live)
		}
	}
	x := Explain(a, nil)
	if len(x.Selectors) != len(a.written) || x.Opaque != (a.Opaque != "") {
		t.Errorf("%q: explained as %+v", e.Text, x)
	}
	return a
}

func FuzzPromQL(f *testing.F) {
	seeds(f, "promql")
	for _, row := range liveness {
		f.Add(row.expr)
	}
	f.Fuzz(func(t *testing.T, text string) {
		check(t, sentei.Expression{Text: text})
		normal, err := Normalize(text)
		if err != nil {
			return
		}
		again, err := Normalize(normal)
		if err == nil && again != normal {
			t.Errorf("%q becomes %q, and that %q", text, normal, again)
		}
	})
}

func FuzzMetricsQL(f *testing.F) {
	seeds(f, "metricsql")
	for _, tt := range metricsQL {
		f.Add(strings.TrimPrefix(tt.expr, "="))
	}
	f.Fuzz(func(t *testing.T, text string) {
		check(t, sentei.Expression{Text: text, Lang: sentei.MetricsQL})
	})
}

func FuzzTemplate(f *testing.F) {
	seeds(f, "")
	for _, tt := range templates {
		f.Add(strings.TrimPrefix(tt.expr, "="))
	}
	for _, tt := range variableQueries {
		f.Add(tt.query)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, lang := range []sentei.Lang{sentei.PromQL, sentei.MetricsQL} {
			check(t, sentei.Expression{Text: text, Lang: lang, Template: true})
			check(t, sentei.Expression{Text: text, Lang: lang, Template: true, Variables: vars("v=1|2 g=a|b metric=x f=rate|sum q=sum(x)")})
			check(t, sentei.Expression{Text: text, Lang: lang, VariableQuery: true, Variables: vars("l=a|b job=x")})
		}
	})
}
