package main

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// variableRegex finds $name, [[name]] and ${name:format}; it is Grafana's own.
var variableRegex = regexp.MustCompile(`\$(\w+)|\[\[(\w+?)(?::(\w+))?\]\]|\$\{(\w+)(?:\.([^:^}]+))?(?::([^}]+))?\}`)

// labelValues splits label_values(selector, label) into its arguments.
var labelValues = regexp.MustCompile(`^label_values\((?:(.+),\s*)?(\w+)\)$`)

// values holds what each variable is replaced with.
type values map[string]string

// fill replaces the variables in text; an unknown one stays as it is.
func (v values) fill(text string) string {
	return variableRegex.ReplaceAllStringFunc(text, func(match string) string {
		groups := variableRegex.FindStringSubmatch(match)
		if value, ok := v[groups[1]+groups[2]+groups[4]]; ok {
			return value
		}
		return match
	})
}

// variables fills in the variables of d in their order, so that one may refer to the ones before it.
func (d *dashboard) variables(ctx context.Context, api *api, back time.Duration, now time.Time) (values, error) {
	filled := values{
		"__rate_interval": "1m",
		"__interval":      step.String(),
		"__range":         fmt.Sprintf("%ds", int(back.Seconds())),
		"__range_s":       fmt.Sprint(int(back.Seconds())),
	}
	for _, v := range d.Templating.List {
		options, err := v.options(ctx, api, filled, back, now)
		if err != nil {
			return nil, fmt.Errorf("dashboard %s, variable %s: %w", d.Title, v.Name, err)
		}
		filled[v.Name] = v.choose(options)
	}
	return filled, nil
}

// options returns what the variable can be, for a query variable by asking the server.
func (v variable) options(ctx context.Context, api *api, filled values, back time.Duration, now time.Time) ([]string, error) {
	if v.Type != "query" {
		return current(v.Current.Value), nil
	}
	query, err := v.queryText()
	if err != nil {
		return nil, err
	}
	query = filled.fill(query)
	var found []string
	if inner, ok := strings.CutPrefix(query, "query_result("); ok {
		found, err = api.queryResult(ctx, strings.TrimSuffix(inner, ")"), now)
	} else if m := labelValues.FindStringSubmatch(query); m != nil {
		found, err = api.labelValues(ctx, m[1], m[2], now.Add(-back), now)
	} else {
		err = fmt.Errorf("cannot run %q", query)
	}
	if err != nil {
		return nil, err
	}
	found, err = v.filter(found)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("%q has no values", query)
	}
	return found, err
}

// queryText returns the query of a query variable, which is a string or an object.
func (v variable) queryText() (string, error) {
	var text string
	if json.Unmarshal(v.Query, &text) == nil {
		return text, nil
	}
	var object struct {
		Query string `json:"query"`
	}
	if err := json.Unmarshal(v.Query, &object); err != nil {
		return "", err
	}
	return object.Query, nil
}

// filter applies the variable's regex. The only look-ahead in use, "all but this one", is done by hand
// since Go's expressions have none.
func (v variable) filter(found []string) ([]string, error) {
	pattern := strings.Trim(v.Regex, "/")
	if pattern == "" {
		return found, nil
	}
	if except, ok := strings.CutPrefix(pattern, "^(?!"); ok {
		pattern = "^" + strings.TrimSuffix(except, ").*") + "$"
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, err
	}
	negated := strings.Contains(v.Regex, "(?!")
	var kept []string
	for _, value := range found {
		m := re.FindStringSubmatch(value)
		switch {
		case negated && m == nil:
			kept = append(kept, value)
		case !negated && m != nil:
			kept = append(kept, m[len(m)-1])
		}
	}
	return kept, nil
}

// choose turns options into the text that replaces the variable: the chosen value, or else the first.
func (v variable) choose(options []string) string {
	if len(options) == 0 {
		return ""
	}
	if !v.Multi {
		for _, chosen := range current(v.Current.Value) {
			return chosen
		}
		return options[0]
	}
	if v.AllValue != "" {
		return v.AllValue
	}
	if len(options) == 1 {
		return options[0]
	}
	for i, option := range options {
		// Grafana escapes values for a regular expression within a PromQL string, hence twice.
		options[i] = strings.ReplaceAll(regexp.QuoteMeta(option), `\`, `\\`)
	}
	return "(" + strings.Join(options, "|") + ")"
}

// current returns the chosen values in a dashboard, which are a string or a list.
func current(value json.RawMessage) []string {
	var one string
	if json.Unmarshal(value, &one) == nil && one != "" {
		return []string{one}
	}
	var many []string
	if json.Unmarshal(value, &many) != nil {
		return nil
	}
	return many
}
