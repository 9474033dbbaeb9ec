package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/spf13/cobra"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promql"
)

func newExplainQuery() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "query EXPR",
		Short: "Print what an expression needs from storage",
		Long: `Print the selectors of an expression and, for each, the labels that can change
the result. All other labels are dead for it.

With --series the selectors are resolved against the label sets in a file, a
JSON array of objects such as {"__name__":"up","job":"node"}.`,
		Args: exactly(1),
		RunE: explainQuery,
	}
	cmd.Flags().String("lang", "promql", "language: promql, metricsql, or grafana for an expression with Grafana variables")
	cmd.Flags().String("series", "", "JSON file with the series to resolve against")
	cmd.Flags().StringP("output", "o", "text", "format: text or json")
	cmd.Flags().StringArray("var", nil, "value of a Grafana variable, as name=value; repeat for several values; a variable without one, or with ?, may have any value")
	cmd.Flags().Bool("variable-query", false, "EXPR is the query of a Grafana variable, such as label_values(up, job)")
	return cmd
}

// anyValue stands for a variable that may have any value.
const anyValue = "?"

func explainQuery(cmd *cobra.Command, args []string) error {
	e, err := expression(cmd, args[0])
	if err != nil {
		return err
	}
	series, err := readSeries(cmd)
	if err != nil {
		return err
	}
	output, _ := cmd.Flags().GetString("output")
	x := promql.Explain(promql.Analyze(e, sentei.AllLabelsBut()), series)
	switch output {
	case "json":
		encoder := json.NewEncoder(cmd.OutOrStdout())
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		return encoder.Encode(x)
	case "text":
		return writeExplanation(cmd.OutOrStdout(), x, series != nil)
	default:
		return usageError{fmt.Errorf("--output is %q: want text or json", output)}
	}
}

func expression(cmd *cobra.Command, text string) (sentei.Expression, error) {
	e := sentei.Expression{Text: text}
	e.VariableQuery, _ = cmd.Flags().GetBool("variable-query")
	lang, _ := cmd.Flags().GetString("lang")
	switch lang {
	case "promql":
		e.Lang = sentei.PromQL
	case "metricsql":
		e.Lang = sentei.MetricsQL
	case "grafana":
		e.Lang, e.Template = sentei.PromQL, true
	default:
		return e, usageError{fmt.Errorf("--lang is %q: want promql, metricsql or grafana", lang)}
	}
	values := map[string][]string{}
	pairs, _ := cmd.Flags().GetStringArray("var")
	for _, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return e, usageError{fmt.Errorf("--var is %q: want name=value", pair)}
		}
		if value == anyValue {
			continue // as if it was not set
		}
		values[name] = append(values[name], value)
	}
	for name, v := range values {
		e.Variables = append(e.Variables, sentei.Variable{Name: name, Values: v})
	}
	slices.SortFunc(e.Variables, func(a, b sentei.Variable) int { return strings.Compare(a.Name, b.Name) })
	return e, nil
}

// readSeries reads the file of --series; nil when there is none.
func readSeries(cmd *cobra.Command) ([]labels.Labels, error) {
	path, _ := cmd.Flags().GetString("series")
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read series: %w", err)
	}
	var sets []map[string]string
	if err := json.Unmarshal(text, &sets); err != nil {
		return nil, usageError{fmt.Errorf("read series %s: want a JSON array of label sets: %w", path, err)}
	}
	series := make([]labels.Labels, len(sets))
	for i, s := range sets {
		series[i] = labels.FromMap(s)
	}
	return series, nil
}

func writeExplanation(w io.Writer, x promql.Explanation, resolved bool) error {
	var b strings.Builder
	for _, s := range x.Selectors {
		fmt.Fprintf(&b, "%s\n  live labels: %s\n", s.Selector, s.Live)
		if resolved {
			fmt.Fprintf(&b, "  metrics: %s\n", listed(s.Metrics))
		}
	}
	if x.Opaque {
		b.WriteString("opaque: it may read anything\n")
	}
	for _, p := range x.Problems {
		fmt.Fprintf(&b, "problem: %s\n", p)
	}
	if b.Len() == 0 {
		b.WriteString("it reads nothing from storage\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func listed(s []string) string {
	if len(s) == 0 {
		return "none"
	}
	return strings.Join(s, ", ")
}
