package promql

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
)

// variableQuery analyzes the query of a Grafana variable, as Grafana's
// Prometheus plugin reads it: a few functions of its own, else a selector of
// which the series are listed.
func (c *collector) variableQuery(e sentei.Expression) {
	text := strings.TrimSpace(e.Text)
	if strings.HasPrefix(text, "{") && json.Valid([]byte(text)) {
		var err error
		if text, err = variableObject(text); err != nil {
			c.block(err.Error())
			return
		}
	}
	e.Template, e.VariableQuery = true, false
	all := rootScope(everything())
	name, arg, isCall := variableCall(text)
	switch {
	case text == "", isCall && arg == "" && name != "label_names":
		// Grafana asks for nothing.
	case !isCall:
		e.Text = text
		c.template(e, all.under("series"))
	case name == "label_values":
		c.labelValues(e, arg)
	case name == "label_names":
		c.labelNames(e, arg)
	case name == "metrics":
		c.metricNames(e, arg)
	case name == "query_result":
		e.Text = arg
		c.template(e, all.under("query_result"))
	}
}

// variableCall takes apart label_values(…), label_names(…), metrics(…) and
// query_result(…).
func variableCall(text string) (name, arg string, ok bool) {
	name, rest, found := strings.Cut(text, "(")
	if !found || !strings.HasSuffix(rest, ")") {
		return "", "", false
	}
	switch name {
	case "label_values", "label_names", "metrics", "query_result":
		return name, strings.TrimSpace(strings.TrimSuffix(rest, ")")), true
	}
	return "", "", false
}

// labelValues: the values of one label, of the selected series or of all. It
// reads what group by (label) (selector) reads.
func (c *collector) labelValues(e sentei.Expression, arg string) {
	selector, label := "", arg
	if i := strings.LastIndexByte(arg, ','); i >= 0 {
		selector, label = strings.TrimSpace(arg[:i]), strings.TrimSpace(arg[i+1:])
	}
	s := rootScope(everything()).under("label_values")
	need, ok := labelNeed(e, label)
	switch {
	case !ok: // not as Grafana expects it; read all of it as a selector
		e.Text = arg
		c.template(e, s)
	case selector == "":
		c.add(s.grouped(need), allText, "", []*labels.Matcher{allNames()})
	default:
		e.Text = selector
		s = s.grouped(need)
		if e.Lang != sentei.MetricsQL {
			s.repeats = present
		}
		c.template(e, s)
	}
}

// labelNeed returns the labels that a name with variables can stand for.
func labelNeed(e sentei.Expression, label string) (sentei.LabelSet, bool) {
	if label == "" || strings.ContainsAny(strings.ReplaceAll(label, "${", ""), "{(\"'` \t\n)") {
		return sentei.LabelSet{}, false
	}
	need := sentei.Labels()
	for _, units := range combinations(variablesOf(e.Variables).split(label)) {
		name := literal(units)
		if len(name) < len(units) { // a variable of unknown values
			return everything(), true
		}
		need = need.Plus(name)
	}
	return need, true
}

// labelNames: the names of all labels of the metrics whose name contains the
// argument.
func (c *collector) labelNames(e sentei.Expression, arg string) {
	s := rootScope(everything()).under("label_names")
	if arg == "" || strings.ContainsAny(strings.ReplaceAll(arg, "${", ""), "{\"'`(\\") {
		c.add(s, allText, "", []*labels.Matcher{allNames()})
		return
	}
	e.Text = "{__name__=~\".*" + arg + ".*\"}"
	c.template(e, s)
}

// metricNames: the names that a regular expression of JavaScript finds.
func (c *collector) metricNames(e sentei.Expression, arg string) {
	s := rootScope(everything()).under("metrics").grouped(sentei.Labels())
	for _, units := range combinations(variablesOf(e.Variables).split(arg)) {
		pattern := literal(units)
		_, err := regexp.Compile(pattern)
		if len(pattern) < len(units) || err != nil {
			c.add(s, allText, "", []*labels.Matcher{allNames()})
			continue
		}
		pattern = ".*(?:" + pattern + ").*"
		m, err := labels.NewMatcher(labels.MatchRegexp, model.MetricNameLabel, pattern)
		if err != nil {
			m = allNames()
		}
		c.add(s, "{__name__=~"+strconv.Quote(m.Value)+"}", "", []*labels.Matcher{m})
	}
}

const allText = `{__name__=~".+"}`

func allNames() *labels.Matcher {
	return labels.MustNewMatcher(labels.MatchRegexp, model.MetricNameLabel, ".+")
}

// variableObject returns the query of a variable that Grafana's editor stores
// as an object.
func variableObject(text string) (string, error) {
	var o struct {
		Query        string `json:"query"`
		Expr         string `json:"expr"`
		QryType      *int   `json:"qryType"`
		Metric       string `json:"metric"`
		Label        string `json:"label"`
		Match        string `json:"match"`
		VarQuery     string `json:"varQuery"`
		SeriesQuery  string `json:"seriesQuery"`
		ClassicQuery string `json:"classicQuery"`
		LabelFilters []struct {
			Label string `json:"label"`
			Op    string `json:"op"`
			Value string `json:"value"`
		} `json:"labelFilters"`
	}
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return "", fmt.Errorf("parse variable query: %w", err)
	}
	switch {
	case strings.TrimSpace(o.Query) != "":
		return strings.TrimSpace(o.Query), nil
	case strings.TrimSpace(o.Expr) != "":
		return strings.TrimSpace(o.Expr), nil
	case o.QryType == nil:
		return "", fmt.Errorf("parse variable query: neither query nor qryType is set")
	}
	selector := o.Metric
	if len(o.LabelFilters) > 0 {
		var filters []string
		for _, f := range o.LabelFilters {
			filters = append(filters, f.Label+f.Op+strconv.Quote(f.Value))
		}
		selector += "{" + strings.Join(filters, ",") + "}"
	}
	switch *o.QryType {
	case 0:
		return "label_names(" + o.Match + ")", nil
	case 1:
		if selector != "" {
			selector += ", "
		}
		return "label_values(" + selector + o.Label + ")", nil
	case 2:
		return "metrics(" + o.Metric + ")", nil
	case 3:
		return "query_result(" + o.VarQuery + ")", nil
	case 4:
		return strings.TrimSpace(o.SeriesQuery), nil
	case 5:
		return strings.TrimSpace(o.ClassicQuery), nil
	}
	return "", fmt.Errorf("parse variable query: unknown qryType %d", *o.QryType)
}
