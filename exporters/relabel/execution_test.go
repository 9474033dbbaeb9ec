package relabel

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
	"pgregory.net/rapid"
)

func TestLanguage(t *testing.T) {
	for expr, want := range map[string]string{
		"a":                    "a",
		"a|bc":                 "a bc",
		"ab1|ab2":              "ab1 ab2",
		"(a|b);j;(1(\\.0)?|2)": "a;j;1 a;j;1.0 a;j;2 b;j;1 b;j;1.0 b;j;2",
		"\\x{a}":               "\n",
		"[ab]c?":               "a ac b bc",
		"":                     "",
		"a.*":                  "none", "a+": "none", ".": "none", "(?i)a": "none", "[^a]": "none", "^a": "none", "a{2,}": "none",
		"([a-z]{3}){3}": "none", "(": "none",
	} {
		texts := language(expr, "")
		slices.Sort(texts)
		got := strings.Join(texts, " ")
		if texts == nil {
			got = "none"
		}
		if got != want {
			t.Errorf("%s: %q, want %q", expr, got, want)
		}
	}
	if got := language("(a|b);j;.*", ";"); strings.Join(got, " ") != "a;j; b;j;" {
		t.Errorf("up to the separator: %q", got)
	}
}

// TestPassedOverRulesDoNothing executes random rules with and without passing
// over those that seem to be about other metrics.
func TestPassedOverRulesDoNothing(t *testing.T) {
	word := rapid.StringMatching(`[ab;@]{1,3}`)
	part := rapid.OneOf(rapid.Map(word, regexp.QuoteMeta), rapid.SampledFrom([]string{"(a|b)", "(a|ab);(a|b)", "a|b", "[ab]?", ".*", "(a;)?b", "a+", "(?i)A"}))
	rapid.Check(t, func(t *rapid.T) {
		var rules []*relabel.Config
		for range rapid.IntRange(1, 6).Draw(t, "rules") {
			c := relabel.DefaultRelabelConfig
			expr := strings.Join(rapid.SliceOfN(part, 1, 3).Draw(t, "expression"), rapid.SampledFrom([]string{"", ";", "@", "a"}).Draw(t, "between"))
			c.Regex = relabel.MustNewRegexp(expr)
			c.Separator = rapid.SampledFrom([]string{";", "@", "a", ""}).Draw(t, "separator")
			c.SourceLabels = rapid.SampledFrom([]model.LabelNames{{"__name__"}, {"__name__", "job"}, {"job", "__name__"}, {"__name__", "job", "x"}}).Draw(t, "sources")
			c.Action = rapid.SampledFrom([]relabel.Action{relabel.Drop, relabel.Replace, relabel.Keep}).Draw(t, "action")
			c.TargetLabel, c.Replacement = "x", ""
			rules = append(rules, &c)
		}
		if err := validate(rules); err != nil {
			t.Fatal(err)
		}
		l := labels.NewBuilder(labels.FromStrings(model.MetricNameLabel, word.Draw(t, "name"))).
			Set(model.JobLabel, word.Draw(t, "job")).Set("x", word.Draw(t, "x")).Labels()
		want, keep := process(rules, l)
		got, kept := byPrometheus(rules).run(l)
		if kept != keep || kept && !labels.Equal(got, want) {
			t.Errorf("%s becomes %s (%v), not %s (%v)", l, got, kept, want, keep)
		}
	})
}
