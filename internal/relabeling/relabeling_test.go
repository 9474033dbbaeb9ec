package relabeling

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
	"pgregory.net/rapid"

	"github.com/sentei/sentei"
)

func TestConfigs(t *testing.T) {
	shared := sentei.Place{Job: "api", Shared: true}
	tests := map[string]struct {
		proposal sentei.Proposal
		want     string // separator, source labels, regex, action, target
		err      string
	}{
		"drop":               {proposal: sentei.Proposal{Action: sentei.Action{Kind: sentei.DropMetric, Metric: "a.b"}}, want: `; [__name__] a\.b drop`},
		"drop of a job":      {proposal: sentei.Proposal{Place: shared, Action: sentei.Action{Kind: sentei.DropMetric, Metric: "a"}}, want: `; [__name__ job] a;api drop`},
		"another separator":  {proposal: sentei.Proposal{Place: shared, Action: sentei.Action{Kind: sentei.DropMetric, Metric: "a;b"}}, want: `@ [__name__ job] a;b@api drop`},
		"drop of values":     {proposal: sentei.Proposal{Action: sentei.Action{Kind: sentei.DropValues, Metric: "a", Label: "mode", Values: []string{"nice", "s|eal"}}}, want: `; [__name__ mode] a;(nice|s\|eal) drop`},
		"drop of buckets":    {proposal: sentei.Proposal{Action: sentei.Action{Kind: sentei.DropValues, Metric: "a", Label: "le", Values: []string{"0.5", "1.0", "2", "1e+06"}}}, want: `; [__name__ le] a;(0\.5|1(\.0)?|2(\.0)?|1e\+06) drop`},
		"strip":              {proposal: sentei.Proposal{Action: sentei.Action{Kind: sentei.StripLabel, Metric: "a", Label: "pod"}}, want: `; [__name__] a replace pod`},
		"strip of a job":     {proposal: sentei.Proposal{Place: shared, Action: sentei.Action{Kind: sentei.StripLabel, Label: "pod"}}, want: `; [job] api replace pod`},
		"strip of all":       {proposal: sentei.Proposal{Action: sentei.Action{Kind: sentei.StripLabel, Label: "pod"}}, want: `; [] pod labeldrop`},
		"no metric":          {proposal: sentei.Proposal{Action: sentei.Action{Kind: sentei.DropMetric}}, err: "there is no relabel rule for drop_metric"},
		"no values":          {proposal: sentei.Proposal{Action: sentei.Action{Kind: sentei.DropValues, Metric: "a", Label: "b"}}, err: "there is no relabel rule"},
		"no rule":            {proposal: sentei.Proposal{Action: sentei.Action{Kind: sentei.DeleteRules}}, err: "there is no relabel rule for delete_rules"},
		"not valid text":     {proposal: sentei.Proposal{Action: sentei.Action{Kind: sentei.DropMetric, Metric: "a\xff"}}, err: `no relabel rule can name metric "a\xff"`},
		"an empty value":     {proposal: sentei.Proposal{Action: sentei.Action{Kind: sentei.DropValues, Metric: "a", Label: "b", Values: []string{""}}}, err: "no relabel rule can name"},
		"no separator":       {proposal: sentei.Proposal{Place: shared, Action: sentei.Action{Kind: sentei.DropMetric, Metric: ";@|#%=~, \u241f"}}, err: "no separator is left"},
		"strip of the name":  {proposal: sentei.Proposal{Action: sentei.Action{Kind: sentei.StripLabel, Metric: "a", Label: "b\xff"}}, err: "rule for strip_label"},
		"whole job by value": {proposal: sentei.Proposal{Place: shared, Action: sentei.Action{Kind: sentei.DropValues, Metric: "a", Label: "v", Values: []string{"x;y"}}}, want: `@ [__name__ job v] a@api@(x;y) drop`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			rules, err := Configs(&tt.proposal)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("error %v, want one with %q", err, tt.err)
				}
				return
			}
			if err != nil || len(rules) != 1 {
				t.Fatal(rules, err)
			}
			r := rules[0]
			got := r.Separator + " " + labelNames(r) + " " + r.Regex.String() + " " + string(r.Action)
			if r.TargetLabel != "" {
				got += " " + r.TargetLabel
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func labelNames(r *relabel.Config) string {
	var s []string
	for _, l := range r.SourceLabels {
		s = append(s, string(l))
	}
	return "[" + strings.Join(s, " ") + "]"
}

// TestConfigsDoWhatIsPlanned executes the rules of any proposal over any
// series: they must do what Planned says, and nothing else.
func TestConfigsDoWhatIsPlanned(t *testing.T) {
	text := rapid.OneOf(
		rapid.StringMatching(`[a-c]{1,2}`),
		rapid.StringMatching(`[ab;|()\\.*+?'"#:$@ \n\t{}\[\]^-]{1,4}`),
		rapid.StringMatching(`[1-3](\.0|\.5)?`),
	)
	rapid.Check(t, func(t *rapid.T) {
		p := &sentei.Proposal{
			Place: sentei.Place{Job: text.Draw(t, "job"), Shared: rapid.Bool().Draw(t, "shared")},
			Action: sentei.Action{
				Kind:   rapid.SampledFrom([]sentei.ActionKind{sentei.DropMetric, sentei.DropValues, sentei.StripLabel}).Draw(t, "kind"),
				Metric: text.Draw(t, "metric"),
			},
		}
		if p.Action.Kind != sentei.DropMetric {
			p.Action.Label = rapid.SampledFrom([]string{"le", "mode", "job"}).Draw(t, "label")
		}
		if p.Action.Kind == sentei.DropValues {
			p.Action.Values = rapid.SliceOfNDistinct(text, 1, 4, rapid.ID).Draw(t, "values")
		}
		if p.Action.Kind == sentei.StripLabel && rapid.Bool().Draw(t, "all") {
			p.Action.Metric = ""
		}
		rules, err := Configs(p)
		if err != nil {
			if strings.Contains(err.Error(), "no separator is left") {
				return
			}
			t.Fatal(err)
		}
		near := append(slices.Clone(p.Action.Values), p.Action.Metric, p.Place.Job)
		pick := rapid.OneOf(text, rapid.SampledFrom(near))
		for range 20 {
			b := labels.NewBuilder(labels.EmptyLabels())
			b.Set(model.MetricNameLabel, pick.Draw(t, "name"))
			b.Set(model.JobLabel, pick.Draw(t, "job"))
			b.Set("le", pick.Draw(t, "le"))
			b.Set("mode", pick.Draw(t, "mode"))
			l := b.Labels()
			want, keep := Planned(p, l)
			kept := relabel.ProcessBuilder(b, rules...)
			if kept != keep || kept && !labels.Equal(b.Labels(), want) {
				t.Fatalf("%s: kept %v as %s, want %v, %s", l, kept, b.Labels(), keep, want)
			}
		}
	})
}
