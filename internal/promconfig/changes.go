package promconfig

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"go.yaml.in/yaml/v2"
)

// OtherChanges says what differs between two configuration files, each with
// the files of its scrape_config_files, beside the metric relabel rules of their
// scrape jobs and beside scrape jobs that are new or gone: one line for each
// part, sorted by place.
func OtherChanges(current []byte, currentFiles []File, wanted []byte, wantedFiles []File) ([]string, error) {
	a, err := valuesOf(current, currentFiles)
	if err != nil {
		return nil, err
	}
	b, err := valuesOf(wanted, wantedFiles)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, key := range keysOf(a, b) {
		switch {
		case key == "scrape_configs":
			out = append(out, jobChanges(a[key], b[key])...)
		case key == "remote_write":
			out = append(out, writeChanges(a[key], b[key])...)
		case !reflect.DeepEqual(a[key], b[key]):
			out = append(out, key)
		}
	}
	return out, nil
}

// valuesOf returns what a configuration holds, all scrape jobs in its
// scrape_configs.
func valuesOf(text []byte, included []File) (map[string]any, error) {
	var all map[string]any
	if err := yaml.Unmarshal(text, &all); err != nil {
		return nil, err
	}
	jobs, _ := all["scrape_configs"].([]any)
	for _, in := range included {
		var v any
		if err := yaml.Unmarshal(in.Content, &v); err != nil {
			return nil, fmt.Errorf("parse %s: %w", in.Path, err)
		}
		if m, ok := v.(map[any]any); ok {
			v = m["scrape_configs"]
		}
		more, _ := v.([]any)
		jobs = append(jobs, more...)
	}
	if len(included) > 0 {
		if all == nil {
			all = map[string]any{}
		}
		all["scrape_configs"] = jobs
	}
	return all, nil
}

// jobChanges compares the scrape jobs that both files have.
func jobChanges(a, b any) []string {
	before, after := byName(a, "job_name"), byName(b, "job_name")
	var out []string
	for _, job := range slices.Sorted(maps.Keys(before)) {
		if after[job] == nil {
			continue
		}
		for _, key := range keysOf(before[job], after[job]) {
			if key != "metric_relabel_configs" && !reflect.DeepEqual(before[job][key], after[job][key]) {
				out = append(out, fmt.Sprintf("%s of the scrape job %q", key, job))
			}
		}
	}
	return out
}

// writeChanges compares remote_write by place, since names are optional.
func writeChanges(a, b any) []string {
	before, after := listOf(a), listOf(b)
	if len(before) != len(after) {
		return []string{fmt.Sprintf("remote_write: %d entries instead of %d", len(after), len(before))}
	}
	var out []string
	for i := range before {
		for _, key := range keysOf(before[i], after[i]) {
			if !reflect.DeepEqual(before[i][key], after[i][key]) {
				out = append(out, fmt.Sprintf("%s of remote_write %v", key, after[i]["url"]))
			}
		}
	}
	return out
}

// listOf returns the items of a list that are mappings.
func listOf(v any) []map[string]any {
	items, _ := v.([]any)
	out := make([]map[string]any, len(items))
	for i, item := range items {
		m, _ := item.(map[any]any)
		out[i] = make(map[string]any, len(m))
		for k, v := range m {
			out[i][fmt.Sprint(k)] = v
		}
	}
	return out
}

func byName(v any, key string) map[string]map[string]any {
	out := map[string]map[string]any{}
	for _, m := range listOf(v) {
		out[fmt.Sprint(m[key])] = m
	}
	return out
}

func keysOf(a, b map[string]any) []string {
	all := maps.Clone(a)
	if all == nil {
		all = map[string]any{}
	}
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}
