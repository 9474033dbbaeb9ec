package rules

import (
	"context"
	"errors"
	"fmt"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promconfig"
	"github.com/sentei/sentei/internal/source"
)

const noOpRelabelRuleKind = "no_op_relabel_rule"

type noOpRelabelRuleOptions struct {
	MinSeries int64 `yaml:"min_series"`
}

func noOpRelabelRule() Info {
	return source.New(noOpRelabelRuleKind, sentei.Doc{
		Title: "Find relabel rules of your own that do nothing",
		Text: `Looks at the metric_relabel_configs and write_relabel_configs of prometheus_config and tells of rules that do not do
what they were written for. It proposes nothing. A rule that drops series leaves none behind that it matches, so "matches
nothing that is stored" says nothing about it; only this is told, each with file and line:

- **A value in a form that is not stored.** A drop rule asks for le="1", and Prometheus 3 stores 1.0: series stay that the
  rule drops when the same number is written in its other form. Write ` + "`1(\\.0)?`" + `.
- **An alternation that binds wrongly.** ` + "`name;a|b`" + ` means name;a, or b alone, and no joined value is b alone. Series stay that
  the rule drops with parentheses: ` + "`name;(a|b)`" + `.
- **A rule that is not active.** Series of the job get samples that a drop or keep rule drops, that have a label which a
  labeldrop or labelkeep takes away, or that lack the fixed value which a rule sets. So Prometheus has not loaded this rule, or
  these series come another way. It is not told where a later rule may change what the rule looks at, nor of job labels that
  several scrape jobs may bring.
- **Names that are gone.** A rule sets labels on metrics by name, and the backend has stored no such metric in the span.
- **A rule of remote write without effect.** All stored series pass the write_relabel_configs, so it is known what each rule
  does: this one changes or drops none of the whole span.

The first three need an inventory that lists series, such as the sources block and prometheus.`,
		Example: `no_op_relabel_rule:
  # Tell of nothing that concerns fewer active series.
  min_series: 1
`,
	}, noOpRelabelRuleOptions{MinSeries: 1}, func(o noOpRelabelRuleOptions, _ source.Env) (Rule, error) {
		if o.MinSeries < 1 {
			return nil, errors.New("min_series must be 1 or more")
		}
		return o, nil
	})
}

// Propose implements Rule. It makes findings only.
func (o noOpRelabelRuleOptions) Propose(ctx context.Context, in *Input) (Made, error) {
	var all Made
	x := in.index()
	for i := range x.report.Backends {
		b := &x.report.Backends[i]
		file, ok := in.Configs[b.Name]
		if !ok {
			continue
		}
		read, err := promconfig.ReadRelabeling(file.Content, file.Included...)
		if err != nil {
			all.Problems = append(all.Problems, problem(sentei.Problem{
				Backend: b.Name, Source: noOpRelabelRuleKind, Where: file.Path,
				Message: fmt.Sprintf("the relabel rules were not looked at: %v", err),
			}))
			continue
		}
		checks := x.checksOf(b, file.Path, read)
		if err := x.look(ctx, in.Series[b.Name], b, checks); err != nil {
			if ctx.Err() != nil {
				return Made{}, ctx.Err()
			}
			all.Problems = append(all.Problems, problem(sentei.Problem{
				Backend: b.Name, Source: noOpRelabelRuleKind,
				Message: fmt.Sprintf("the relabel rules could not be compared with the stored series: %v", err),
			}))
			continue
		}
		for _, c := range checks {
			if f, ok := c.finding(x, b, o.MinSeries); ok {
				all.Findings = append(all.Findings, f)
			}
		}
	}
	return all, nil
}
