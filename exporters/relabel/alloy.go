package relabel

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/grafana/alloy/syntax/ast"
	"github.com/grafana/alloy/syntax/parser"
	"github.com/grafana/alloy/syntax/printer"
	"github.com/grafana/alloy/syntax/vm"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/relabel"

	"github.com/sentei/sentei"
)

var alloyDialect = Dialect{
	Name: "alloy", Extension: "alloy",
	Doc: sentei.Doc{
		Title: "a prometheus.relabel component of Grafana Alloy for each scrape job",
		Text: `One component for each scrape job. Let the prometheus.scrape of the job forward to it
(` + "`forward_to = [prometheus.relabel.NAME.receiver]`" + `), and put what that forwarded to so far in place of the forward_to
below. Behind further prometheus.relabel components it must be the last one, so that it sees the labels as they are stored.

A prometheus.relabel also gets up and the scrape_* series of the job, which pass no metric relabel rules in Prometheus.

An expression of several metrics is written with string.join, a metric on a line; that function is there since Alloy 1.4.

Not here: a label that all metrics of a job lose, because here up and scrape_* would lose it as well.`,
		Example: `prometheus.relabel "sentei_node" {
	forward_to = [prometheus.remote_write.default.receiver]
`,
	},
	Write: writeAlloy,
}

func writeAlloy(w io.Writer, r *sentei.Report, o Options) error {
	p := page{
		title: "Metric relabel rules for Grafana Alloy", comment: "//",
		how: []string{
			"Let the prometheus.scrape of each job forward to the component here, as the last prometheus.relabel,",
			"and put what it forwarded to so far in place of prometheus.remote_write.default.receiver.",
		},
		place: func(_ *sentei.Backend, p sentei.Proposal) (sentei.Proposal, string) {
			if p.Action.Metric == "" {
				return p, "up and scrape_* pass a prometheus.relabel, too, and would lose the label as well"
			}
			return p, ""
		},
	}
	names := map[string]int{}
	p.render = func(r *sentei.Report, b *sentei.Backend, plans []jobPlan) (string, error) {
		return alloyComponents(r, b, plans, names)
	}
	return p.write(w, r, o)
}

// alloyComponents returns the components of a backend. names are those that
// are taken already.
func alloyComponents(r *sentei.Report, b *sentei.Backend, plans []jobPlan, names map[string]int) (string, error) {
	var out bytes.Buffer
	fmt.Fprintf(&out, "// Backend %s: %s.\n", printable(b.Name), saving(r, all(plans)))
	for i := range plans {
		p := &plans[i]
		fmt.Fprintf(&out, "\n// Scrape job %s.\nprometheus.relabel %q {\n\tforward_to = [prometheus.remote_write.default.receiver]\n",
			printable(p.scrapeJob.Name), alloyName(p.scrapeJob.Name, names))
		for k := range p.rules {
			rule := &p.rules[k]
			out.WriteByte('\n')
			for _, line := range rule.comments(r, p) {
				fmt.Fprintf(&out, "\t// %s\n", line)
			}
			out.WriteString(rule.alloyBlock())
		}
		out.WriteString("}\n")
	}
	text, err := alloyFormat(out.Bytes())
	if err != nil {
		return "", err
	}
	rules, err := decodeAlloy(text)
	if err != nil {
		return "", err
	}
	if len(rules) != len(plans) {
		return "", fmt.Errorf("read back the rules: %d components were written, %d are read", len(plans), len(rules))
	}
	for i := range plans {
		if err := plans[i].check(len(rules[i]), byPrometheus(rules[i])); err != nil {
			return "", err
		}
	}
	return "\n" + string(text), nil
}

// alloyName makes the label of a component from the name of a scrape job: an
// identifier that is not taken.
func alloyName(scrapeJob string, names map[string]int) string {
	name := "sentei_" + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, scrapeJob)
	for {
		names[name]++
		if names[name] == 1 {
			return name
		}
		name += "_" + strconv.Itoa(names[name])
	}
}

// alloyBlock returns the rule as a block. alloyFormat lays it out.
func (r *rule) alloyBlock() string {
	var out strings.Builder
	attribute := func(name, value string) { fmt.Fprintf(&out, "\t\t%s = %s\n", name, value) }
	out.WriteString("\trule {\n")
	if s := r.sources(); len(s) > 0 {
		for i := range s {
			s[i] = strconv.Quote(s[i])
		}
		attribute("source_labels", "["+strings.Join(s, ", ")+"]")
		if len(s) > 1 && r.separator != ";" {
			attribute("separator", strconv.Quote(r.separator))
		}
	}
	if len(r.proposals) == 1 && len(r.regex()) <= maxLine {
		attribute("regex", strconv.Quote(r.regex()))
	} else { // a metric on a line, so that a reviewer can take one out
		var lines strings.Builder
		for _, piece := range r.regexLines() {
			lines.WriteString("\t\t\t" + strconv.Quote(piece) + ",\n")
		}
		attribute("regex", "string.join([\n"+lines.String()+"\t\t], \"\")")
	}
	if r.kind == sentei.StripLabel {
		attribute("target_label", strconv.Quote(r.label))
		attribute("replacement", `""`)
	} else {
		attribute("action", `"drop"`)
	}
	out.WriteString("\t}\n")
	return out.String()
}

// alloyFormat lays the text out as alloy fmt does.
func alloyFormat(text []byte) ([]byte, error) {
	file, err := parser.ParseFile("relabel.alloy", text)
	if err != nil {
		return nil, fmt.Errorf("read back the rules: %w", err)
	}
	var out bytes.Buffer
	if err := printer.Fprint(&out, file); err != nil {
		return nil, fmt.Errorf("lay out the rules: %w", err)
	}
	return append(bytes.TrimSpace(out.Bytes()), '\n'), nil
}

// alloyRule is a rule block of a prometheus.relabel, as far as it is written.
type alloyRule struct {
	SourceLabels []string `alloy:"source_labels,attr,optional"`
	Separator    string   `alloy:"separator,attr,optional"`
	Regex        string   `alloy:"regex,attr"`
	TargetLabel  string   `alloy:"target_label,attr,optional"`
	Replacement  string   `alloy:"replacement,attr,optional"`
	Action       string   `alloy:"action,attr,optional"`
}

// decodeAlloy reads components back: the rules of each, in order.
func decodeAlloy(text []byte) ([][]*relabel.Config, error) {
	file, err := parser.ParseFile("relabel.alloy", text)
	if err != nil {
		return nil, fmt.Errorf("read back the rules: %w", err)
	}
	var out [][]*relabel.Config
	for _, s := range file.Body {
		component, ok := s.(*ast.BlockStmt)
		if !ok {
			return nil, errors.New("read back the rules: there is more than components")
		}
		var rules []*relabel.Config
		for _, s := range component.Body {
			if block, ok := s.(*ast.BlockStmt); ok {
				rule, err := decodeAlloyRule(block)
				if err != nil {
					return nil, fmt.Errorf("read back the rules: %w", err)
				}
				rules = append(rules, rule)
			}
		}
		if err := validate(rules); err != nil {
			return nil, err
		}
		out = append(out, rules)
	}
	return out, nil
}

func decodeAlloyRule(block *ast.BlockStmt) (*relabel.Config, error) {
	c := relabel.DefaultRelabelConfig
	rule := alloyRule{Separator: c.Separator, Replacement: c.Replacement, Action: string(c.Action)}
	// string.join belongs to Alloy, not to its syntax.
	scope := vm.Scope{Variables: map[string]any{"string": map[string]any{"join": strings.Join}}}
	if err := vm.New(block).Evaluate(&scope, &rule); err != nil {
		return nil, err
	}
	re, err := relabel.NewRegexp(rule.Regex)
	if err != nil {
		return nil, err
	}
	for _, l := range rule.SourceLabels {
		c.SourceLabels = append(c.SourceLabels, model.LabelName(l))
	}
	c.Separator, c.Regex, c.TargetLabel = rule.Separator, re, rule.TargetLabel
	c.Replacement, c.Action = rule.Replacement, relabel.Action(rule.Action)
	return &c, nil
}
