package rulesyaml

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template/parse"
)

// prelude defines the variables that Prometheus and vmalert give to templates.
const prelude = `{{$labels := .}}{{$value := .}}{{$externalLabels := .}}{{$externalURL := .}}` +
	`{{$expr := .}}{{$alertID := .}}{{$groupID := .}}{{$activeAt := .}}{{$for := .}}{{$type := .}}{{$isPartial := .}}`

// TemplateQueries returns the queries that the template of an alert's label or
// annotation runs: those given to the function query. Line and Where are left
// empty. A template that cannot be parsed, and a query that is put together in
// a way that is not understood, give an opaque Query.
func TemplateQueries(text string) []Query {
	if !strings.Contains(text, "query") {
		return nil
	}
	// Which functions exist differs between Prometheus and vmalert, and only
	// one of them reads metrics.
	t := parse.New("__alert")
	t.Mode = parse.SkipFuncCheck
	trees := map[string]*parse.Tree{}
	if _, err := t.Parse(prelude+text, "", "", trees); err != nil {
		return []Query{{Opaque: fmt.Sprintf("the template cannot be parsed: %v", err)}}
	}
	w := walker{}
	for _, name := range slices.Sorted(maps.Keys(trees)) {
		w.list(trees[name].Root)
	}
	return w.queries
}

type walker struct{ queries []Query }

func (w *walker) list(l *parse.ListNode) {
	if l == nil {
		return
	}
	for _, n := range l.Nodes {
		switch n := n.(type) {
		case *parse.ActionNode:
			w.pipe(n.Pipe)
		case *parse.IfNode:
			w.branch(&n.BranchNode)
		case *parse.RangeNode:
			w.branch(&n.BranchNode)
		case *parse.WithNode:
			w.branch(&n.BranchNode)
		case *parse.TemplateNode:
			w.pipe(n.Pipe)
		}
	}
}

func (w *walker) branch(b *parse.BranchNode) {
	w.pipe(b.Pipe)
	w.list(b.List)
	w.list(b.ElseList)
}

func (w *walker) pipe(p *parse.PipeNode) {
	if p == nil {
		return
	}
	for i, cmd := range p.Cmds {
		for j, arg := range cmd.Args {
			switch arg := arg.(type) {
			case *parse.PipeNode:
				w.pipe(arg)
			case *parse.ChainNode:
				if inner, ok := arg.Node.(*parse.PipeNode); ok {
					w.pipe(inner)
				} else if isQuery(arg.Node) {
					w.unknown(cmd)
				}
			case *parse.IdentifierNode:
				if isQuery(arg) {
					w.query(p, i, j)
				}
			}
		}
	}
}

func isQuery(n parse.Node) bool {
	id, ok := n.(*parse.IdentifierNode)
	return ok && id.Ident == "query"
}

// query records the call that stands at argument arg of command cmd.
func (w *walker) query(p *parse.PipeNode, cmd, arg int) {
	c := p.Cmds[cmd]
	var text string
	var ok bool
	switch {
	case arg > 0:
	case len(c.Args) == 2 && cmd == 0:
		text, ok = textOf(c.Args[1])
	case len(c.Args) == 1 && cmd > 0:
		text, ok = textOfPipe(p.Cmds[:cmd])
	}
	if !ok {
		w.unknown(c)
		return
	}
	w.queries = append(w.queries, Query{Expr: text, Template: strings.Contains(text, "${")})
}

func (w *walker) unknown(c *parse.CommandNode) {
	w.queries = append(w.queries, Query{Opaque: fmt.Sprintf("the query in %q is only known when the alert fires", c)})
}

// textOf returns the text that the argument evaluates to.
func textOf(n parse.Node) (string, bool) {
	switch n := n.(type) {
	case *parse.StringNode:
		return n.Text, true
	case *parse.PipeNode:
		return textOfPipe(n.Cmds)
	}
	return "", false
}

// textOfPipe returns the text that the commands evaluate to: a literal, or
// printf with a literal format.
func textOfPipe(cmds []*parse.CommandNode) (string, bool) {
	args := cmds[len(cmds)-1].Args
	if len(cmds) == 1 && len(args) == 1 {
		return textOf(args[0])
	}
	if id, ok := args[0].(*parse.IdentifierNode); !ok || id.Ident != "printf" {
		return "", false
	}
	if len(args) == 1 {
		return "", false // the format comes through the pipe
	}
	format, ok := args[1].(*parse.StringNode)
	if !ok {
		return "", false
	}
	return fill(format.Text)
}

// fill replaces the verbs of a format by ${arg1}, ${arg2} and so on: parts
// that may have any value, in the form that Grafana's variables have.
func fill(format string) (string, bool) {
	var b strings.Builder
	n := 0
	for {
		before, verb, found := strings.Cut(format, "%")
		b.WriteString(before)
		if !found {
			return b.String(), true
		}
		end := strings.IndexFunc(verb, func(c rune) bool { return !strings.ContainsRune("+-# .0123456789", c) })
		if end < 0 {
			return "", false
		}
		format = verb[end+1:]
		switch c := verb[end]; {
		case c == '%':
			b.WriteByte('%')
			continue
		case c == 'q':
			n++
			fmt.Fprintf(&b, `"${arg%d}"`, n)
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			n++
			fmt.Fprintf(&b, "${arg%d}", n)
		default: // %[1]s, %*d
			return "", false
		}
	}
}
