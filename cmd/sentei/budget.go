package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/rules"
)

func addBudget(cmd *cobra.Command) {
	cmd.Flags().Int64("target-series", 0, "show only the fewest and safest proposals that bring the active series down to this number; exit with 3 when they do not")
	cmd.Flags().String("save", "", "show only the fewest and safest proposals that save this share, such as 30%, of the bill (of the series, without prices); exit with 3 when they do not")
}

// budgetFlag returns what cuts the proposals of a report down to the target of
// --target-series or --save and writes to w how far they get. missed is the
// error to end with after the output.
func budgetFlag(cmd *cobra.Command) (cut func(w io.Writer, r *sentei.Report) (out *sentei.Report, missed error), err error) {
	var target func(*sentei.Report) rules.Target
	var wanted string
	switch {
	case cmd.Flags().Changed("target-series") && cmd.Flags().Changed("save"):
		return nil, usageError{errors.New("--target-series and --save exclude each other")}
	case cmd.Flags().Changed("target-series"):
		n, _ := cmd.Flags().GetInt64("target-series")
		if n < 0 {
			return nil, usageError{fmt.Errorf("--target-series is %d: want a number of series", n)}
		}
		wanted = fmt.Sprintf("the target of %d series", n)
		target = func(r *sentei.Report) rules.Target { return rules.TargetSeries(r, n) }
	case cmd.Flags().Changed("save"):
		text, _ := cmd.Flags().GetString("save")
		number, isShare := strings.CutSuffix(strings.TrimSpace(text), "%")
		percent, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if !isShare || err != nil || !(percent > 0 && percent <= 100) {
			return nil, usageError{fmt.Errorf("--save is %q: want a share such as 30%%", text)}
		}
		wanted = "the target to save " + strings.TrimSpace(text)
		target = func(r *sentei.Report) rules.Target { return rules.TargetShare(r, percent/100) }
	default:
		return func(_ io.Writer, r *sentei.Report) (*sentei.Report, error) { return r, nil }, nil
	}
	return func(w io.Writer, r *sentei.Report) (*sentei.Report, error) {
		t := target(r)
		out := *r
		var saved float64
		out.Proposals, saved = rules.Budget(r, t)
		if !t.Reached(saved) {
			return &out, foundError{fmt.Errorf("%s is out of reach: all %d proposals that save anything %s", wanted, len(out.Proposals), effect(r, &out, t.Money))}
		}
		_, err := fmt.Fprintf(w, "sentei: %s is reached with %d of %d proposals, which %s\n", wanted, len(out.Proposals), len(r.Proposals), effect(r, &out, t.Money))
		return &out, err
	}, nil
}

// effect says what the proposals save of what the report holds.
func effect(r, chosen *sentei.Report, money bool) string {
	_, all, bill := r.Total("")
	cost, perMonth := chosen.Savings()
	text := fmt.Sprintf("save %d series%s, so that %d of %d remain", cost.Series, ofAll(float64(cost.Series), float64(all.Series)), all.Series-cost.Series, all.Series)
	if money {
		text += fmt.Sprintf(", and %.2f of %.2f %s a month%s", perMonth, bill, r.Settings.Prices.Currency, ofAll(perMonth, bill))
	}
	return text
}

// ofAll writes " (12.3%)", or nothing when there is no whole.
func ofAll(part, whole float64) string {
	if whole == 0 {
		return ""
	}
	return fmt.Sprintf(" (%.1f%%)", 100*part/whole)
}
