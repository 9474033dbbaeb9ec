package promconfig

import (
	"fmt"

	"github.com/prometheus/prometheus/model/relabel"
	"go.yaml.in/yaml/v4"
)

// Relabeling is what a configuration does to series on their way.
type Relabeling struct {
	// Jobs are the metric_relabel_configs of all scrape jobs, in the order of
	// the files.
	Jobs []Rules
	// RemoteWrites are all entries of remote_write, in the order of the file.
	RemoteWrites []Rules
	// ExternalLabels are added to what remote write sends.
	ExternalLabels map[string]string
}

// Rules are the relabel rules of one scrape job or of one remote_write entry.
type Rules struct {
	Name  string // job_name, or the name of the entry, which may be empty
	URL   string // of a remote_write entry
	File  string // the file of scrape_config_files that a job is in; empty for prometheus.yml itself
	Rules []Rule
}

// Rule is one relabel rule.
type Rule struct {
	*relabel.Config
	// Line is where it stands, 1-based; that of the anchor for an alias, 0
	// when it is not known.
	Line int
}

// ReadRelabeling reads the rules with their lines.
func ReadRelabeling(text []byte, included ...File) (*Relabeling, error) {
	f, err := parse(text, included)
	if err != nil {
		return nil, err
	}
	top, err := topOf(File{"prometheus.yml", text})
	if err != nil {
		return nil, err
	}
	jobs := map[string]*yaml.Node{"": value(top, "scrape_configs")} // by file
	for _, in := range included {
		top, err := topOf(in)
		if err != nil {
			return nil, err
		}
		jobs[in.Path] = top // the list alone, for vmagent
		if top.Kind == yaml.MappingNode {
			jobs[in.Path] = value(top, "scrape_configs")
		}
	}
	out := &Relabeling{ExternalLabels: f.Global.ExternalLabels}
	for i := range f.ScrapeConfigs {
		s := &f.ScrapeConfigs[i]
		list := value(item(jobs[s.file], s.index), "metric_relabel_configs")
		out.Jobs = append(out.Jobs, Rules{Name: s.JobName, File: s.file, Rules: withLines(s.MetricRelabelConfigs, list)})
	}
	writes := value(top, "remote_write")
	for i := range f.RemoteWrite {
		w := &f.RemoteWrite[i]
		out.RemoteWrites = append(out.RemoteWrites, Rules{
			Name: w.Name, URL: w.URL, Rules: withLines(w.WriteRelabelConfigs, value(item(writes, i), "write_relabel_configs")),
		})
	}
	return out, nil
}

// topOf returns the node that is the whole file.
func topOf(file File) (*yaml.Node, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(file.Content, &root); err != nil {
		return nil, fmt.Errorf("parse %s: %w", file.Path, err)
	}
	if len(root.Content) == 0 {
		return &root, nil
	}
	return root.Content[0], nil
}

func withLines(rules []*relabel.Config, list *yaml.Node) []Rule {
	var out []Rule
	for i, r := range rules {
		rule := Rule{Config: r}
		if n := item(list, i); n != nil {
			rule.Line = n.Line
		}
		out = append(out, rule)
	}
	return out
}

// item returns the i-th item of a list, or nil.
func item(list *yaml.Node, i int) *yaml.Node {
	if list == nil || list.Kind != yaml.SequenceNode || i >= len(list.Content) {
		return nil
	}
	return target(list.Content[i])
}

// value returns what a mapping has under the key, merged keys included, or nil.
func value(mapping *yaml.Node, key string) *yaml.Node {
	if mapping == nil || mapping.Kind != yaml.MappingNode {
		return nil
	}
	var merged *yaml.Node
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		k, v := mapping.Content[i], target(mapping.Content[i+1])
		switch {
		case k.Value == key:
			return v
		case k.Value != "<<" || merged != nil:
		case v.Kind == yaml.SequenceNode:
			for n := range v.Content {
				if merged == nil {
					merged = value(item(v, n), key)
				}
			}
		default:
			merged = value(v, key)
		}
	}
	return merged
}

// target follows an alias.
func target(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}
