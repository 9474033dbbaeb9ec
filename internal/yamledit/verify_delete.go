package yamledit

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"reflect"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v4"
)

// verifyDeletion reads the result back: it must hold what the file held, but
// for the nodes that are gone. A file that Prometheus itself takes as a rule
// file must stay one, with so many rules less.
func verifyDeletion(file, result []byte, root *yaml.Node, gone map[*yaml.Node]bool, rules int) error {
	before, err := decode(file)
	if err != nil {
		return err
	}
	after, err := decode(result)
	if err != nil {
		return fmt.Errorf("the file would no longer parse (%w)", err)
	}
	if len(root.Content) == 0 || !reflect.DeepEqual(prune(any(before), root.Content[0], gone), any(after)) {
		return errors.New("other parts of the file would change")
	}
	had, ok := countRules(file)
	if has, still := countRules(result); ok && (!still || has != had-rules) {
		return fmt.Errorf("there would be %d rules for Prometheus instead of %d", has, had-rules)
	}
	return nil
}

// countRules returns how many rules Prometheus reads, or false when it refuses
// the file.
func countRules(file []byte) (int, bool) {
	p := parser.NewParser(parser.Options{EnableExperimentalFunctions: true, EnableExtendedRangeSelectors: true, EnableBinopFillModifiers: true})
	groups, errs := rulefmt.Parse(file, false, model.UTF8Validation, p, slog.New(slog.DiscardHandler))
	if len(errs) > 0 {
		return 0, false
	}
	n := 0
	for i := range groups.Groups {
		n += len(groups.Groups[i].Rules)
	}
	return n, true
}

// prune returns the value of a node without what is gone.
func prune(value any, n *yaml.Node, gone map[*yaml.Node]bool) any {
	switch v := value.(type) {
	case []any:
		if n.Kind != yaml.SequenceNode || len(v) != len(n.Content) {
			return value
		}
		var out []any
		for i := range v {
			if !gone[n.Content[i]] {
				out = append(out, prune(v[i], n.Content[i], gone))
			}
		}
		if out == nil && len(v) > 0 {
			return nil // a key with nothing behind it
		}
		if out == nil {
			return v
		}
		return out
	case map[any]any:
		if n.Kind != yaml.MappingNode {
			return value
		}
		out := maps.Clone(v)
		for i := 0; i+1 < len(n.Content); i += 2 {
			if old, ok := v[n.Content[i].Value]; ok {
				out[n.Content[i].Value] = prune(old, n.Content[i+1], gone)
			}
		}
		return out
	}
	return value
}
