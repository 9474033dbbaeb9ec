package promql

import (
	"regexp"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/sentei/sentei"
)

// variableSyntax is Grafana's own grammar of variables: $name, [[name:format]]
// and ${name.field:format}.
var variableSyntax = regexp.MustCompile(`\$(\w+)|\[\[(\w+?)(?::(\w+))?\]\]|\$\{(\w+)(?:\.([^:^\}]+))?(?::([^\}]+))?\}`)

// reference is one place where a template uses a variable.
type reference struct {
	name, field, format string
	// values is what the variable can hold; nil means anything.
	values []string
}

// unit is one byte of a template, or a reference.
type unit struct {
	b   byte
	ref *reference
}

// variables knows the values of the variables of one template.
type variables map[string][]string

func variablesOf(vs []sentei.Variable) variables {
	known := variables{}
	for _, v := range vs {
		if len(v.Values) > 0 {
			known[v.Name] = v.Values
		}
	}
	return known
}

// split cuts a template into bytes and references. A name of digits only is a
// capture group of label_replace, as Grafana leaves unknown names alone.
func (v variables) split(text string) []unit {
	var units []unit
	at := 0
	for _, m := range variableSyntax.FindAllStringSubmatchIndex(text, -1) {
		group := func(i int) string {
			if m[2*i] < 0 {
				return ""
			}
			return text[m[2*i]:m[2*i+1]]
		}
		r := &reference{name: group(1) + group(2) + group(4), field: group(5), format: group(3) + group(6)}
		r.values = v.texts(r)
		if r.values == nil && strings.Trim(r.name, "0123456789") == "" {
			continue
		}
		units = append(append(units, bytesOf(text[at:m[0]])...), unit{ref: r})
		at = m[1]
	}
	return append(units, bytesOf(text[at:])...)
}

// texts returns what Grafana may put in place of the reference when one value
// is chosen, or nil when that is not known.
func (v variables) texts(r *reference) []string {
	values, ok := v[r.name]
	if !ok || r.field != "" {
		return nil
	}
	quote := ""
	switch r.format {
	case "", "raw", "regex", "pipe", "csv", "glob":
	case "doublequote":
		quote = `"`
	case "singlequote":
		quote = `'`
	default:
		return nil
	}
	texts := make([]string, 0, len(values))
	for _, value := range values {
		if variableSyntax.MatchString(value) { // depends on another variable
			return nil
		}
		texts = append(texts, quote+value+quote)
	}
	return texts
}

// builtin returns the stand-in for one of Grafana's own variables that hold a
// duration or a number, or "" for any other variable.
func builtin(r *reference) string {
	switch r.name {
	case "__interval":
		return "1m"
	case "__rate_interval":
		return "5m"
	case "__range":
		return "1h"
	case "__interval_ms", "__rate_interval_ms":
		return "60000"
	case "__range_s":
		return "3600"
	case "__range_ms":
		return "3600000"
	case "__from", "__to":
		switch r.format {
		case "":
			return "1700000000000"
		case "date:seconds":
			return "1700000000"
		}
	}
	return ""
}

// duration returns a duration to stand for the reference: the longest that it
// can hold, as far as that is known.
func duration(r *reference) string {
	if text := builtin(r); text != "" {
		return text
	}
	longest, text := time.Duration(-1), "5m"
	for _, value := range r.values {
		d, err := model.ParseDuration(value)
		if err == nil && time.Duration(d) > longest {
			longest, text = time.Duration(d), value
		}
	}
	return text
}
