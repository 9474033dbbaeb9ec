package yamledit

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	// The decoder that Prometheus reads its configuration with.
	yamlv2 "go.yaml.in/yaml/v2"
)

// decode returns the values of the file, as Prometheus sees them.
func decode(file []byte) (map[any]any, error) {
	var v any
	if err := yamlv2.Unmarshal(file, &v); err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case nil:
		return map[any]any{}, nil
	case map[any]any:
		return v, nil
	}
	return nil, errors.New("line 1: the file is not a mapping")
}

func decodeItems(items string) ([]any, error) {
	var v []any
	if err := yamlv2.Unmarshal([]byte(items), &v); err != nil {
		return nil, err
	}
	if len(v) == 0 {
		return nil, errors.New("there are none")
	}
	return v, nil
}

// verify reads the result back: the rules of the entry must be the old ones with
// the new ones behind them, and everything else must be as before. It returns
// the values of the result.
func verify(before map[any]any, result []byte, l *list, index int, items []any) (map[any]any, error) {
	after, err := decode(result)
	if err != nil {
		return nil, fmt.Errorf("the file would no longer parse (%w)", err)
	}
	oldJobs, _ := before[l.key].([]any)
	newJobs, _ := after[l.key].([]any)
	if len(oldJobs) != len(newJobs) {
		return nil, errors.New("other parts of the file would change")
	}
	oldJob, _ := oldJobs[index].(map[any]any)
	newJob, _ := newJobs[index].(map[any]any)
	oldRules, _ := oldJob[l.rulesKey].([]any)
	newRules, _ := newJob[l.rulesKey].([]any)
	if !reflect.DeepEqual(newRules, slices.Concat(oldRules, items)) {
		return nil, errors.New("the rules would not end up behind the existing ones")
	}
	// Compare the rest with the old rules in place of the new.
	rest := maps.Clone(newJob)
	delete(rest, l.rulesKey)
	if v, ok := oldJob[l.rulesKey]; ok {
		rest[l.rulesKey] = v
	}
	jobs := slices.Clone(newJobs)
	jobs[index] = rest
	all := maps.Clone(after)
	all[l.key] = jobs
	if !reflect.DeepEqual(before, all) {
		return nil, errors.New("other parts of the file would change")
	}
	return after, nil
}
