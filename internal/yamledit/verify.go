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
	after, err := readBack(before, result, l)
	if err != nil {
		return nil, err
	}
	oldRules, _ := entryOf(before, l, index)[l.rulesKey].([]any)
	newRules, _ := entryOf(after, l, index)[l.rulesKey].([]any)
	rules := slices.Concat(oldRules, items)
	if !reflect.DeepEqual(newRules, rules) {
		return nil, errors.New("the rules would not end up behind the existing ones")
	}
	return after, onlyChanged(before, after, l, index, l.rulesKey, rules)
}

// readBack returns the values of the result, whose list must be as long as before.
func readBack(before map[any]any, result []byte, l *list) (map[any]any, error) {
	after, err := decode(result)
	if err != nil {
		return nil, fmt.Errorf("the file would no longer parse (%w)", err)
	}
	was, _ := before[l.key].([]any)
	is, _ := after[l.key].([]any)
	if len(was) != len(is) {
		return nil, errors.New("other parts of the file would change")
	}
	return after, nil
}

// entryOf returns an entry of the list, nil when it is no mapping.
func entryOf(values map[any]any, l *list, index int) map[any]any {
	entries, _ := values[l.key].([]any)
	entry, _ := entries[index].(map[any]any)
	return entry
}

// onlyChanged fails unless the values are those of before with one key of one
// entry of the list set to a value.
func onlyChanged(before, after map[any]any, l *list, index int, key string, value any) error {
	entry := map[any]any{}
	maps.Copy(entry, entryOf(before, l, index))
	entry[key] = value
	was, _ := before[l.key].([]any)
	entries := slices.Clone(was)
	entries[index] = entry
	want := maps.Clone(before)
	want[l.key] = entries
	if !reflect.DeepEqual(want, after) {
		return errors.New("other parts of the file would change")
	}
	return nil
}
