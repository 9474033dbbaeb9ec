package promql

import (
	"fmt"

	"github.com/sentei/sentei"
)

// Analysis is what an expression asks storage for.
type Analysis struct {
	// Selectors are the requests to storage, hidden ones included, in the
	// order in which the expression makes them.
	Selectors []sentei.Selector
	// Opaque is why the expression cannot be understood, or empty. Then
	// Selectors may be incomplete and must not be relied on.
	Opaque string
	// Problems are remarks that do not make the selectors wrong.
	Problems []string

	written []written
}

// Analyze says what an expression asks storage for. need is the set of labels
// of the result that the consumer needs: all for a root, fewer for a recording
// rule whose readers need fewer.
func Analyze(e sentei.Expression, need sentei.LabelSet) Analysis {
	if len(e.Text) > maxText {
		return Analysis{Opaque: errTooLong.Error()}
	}
	c := &collector{}
	switch {
	case e.VariableQuery:
		c.guard(func() { c.variableQuery(e) })
	case e.Template:
		c.guard(func() { c.template(e, rootScope(need)) })
	default:
		c.guard(func() { c.expression(e.Lang, e.Text, rootScope(need)) })
	}
	if e.AdHoc {
		for i := range c.selectors {
			c.selectors[i].Live = everything()
			c.selectors[i].Erased = sentei.LabelSet{}
			c.selectors[i].MergesEqual = false
		}
	}
	return Analysis{Selectors: c.selectors, Opaque: c.opaque, Problems: c.problems, written: c.written}
}

// guard runs the step and turns a panic, of a parser above all, into an opaque
// expression.
func (c *collector) guard(step func()) {
	defer func() {
		if r := recover(); r != nil {
			c.block(fmt.Sprintf("analysis failed: %v", r))
		}
	}()
	step()
}

// expression analyzes a text without Grafana variables.
func (c *collector) expression(lang sentei.Lang, text string, s scope) {
	var err error
	switch lang {
	case "", sentei.PromQL:
		err = c.promql(text, s, nil)
	case sentei.MetricsQL:
		err = c.metricsql(text, s, nil)
	default:
		err = fmt.Errorf("unknown language %q", lang)
	}
	if err != nil {
		c.block(err.Error())
	}
}
