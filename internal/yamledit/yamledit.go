// Package yamledit adds relabel rules to a Prometheus configuration that
// somebody keeps by hand. In go the bytes of the file and the rules for some
// scrape jobs; out come the bytes with lines added and no other byte changed,
// or a unified diff of them. Comments, blank lines, quotes and indentation stay
// as they are, because text is inserted at positions and nothing is printed
// anew. Every result is read back and compared before it is returned.
package yamledit

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

const (
	scrapeConfigsKey     = "scrape_configs"
	scrapeConfigFilesKey = "scrape_config_files"
	jobNameKey           = "job_name"
	rulesKey             = "metric_relabel_configs"
)

// Addition is what to append to the metric_relabel_configs of one scrape job.
type Addition struct {
	Job string
	// Items is a YAML block sequence that starts at the first column, its
	// lines ended by "\n". It may hold comments.
	Items string
}

// Skipped is an addition that cannot be made by adding lines alone.
type Skipped struct {
	Job    string
	Line   int // where in the file, 1-based; 0 when the job is not in the file
	Reason string
}

// Error returns the reason with the job and the line.
func (s Skipped) Error() string {
	if s.Line == 0 {
		return fmt.Sprintf("scrape job %q: %s", s.Job, s.Reason)
	}
	return fmt.Sprintf("line %d: scrape job %q: %s", s.Line, s.Job, s.Reason)
}

// Patch is a file and the lines added to it.
type Patch struct {
	Original []byte
	Result   []byte
	Skipped  []Skipped // in the order of the additions
	inserts  []insert
}

// insert is text to put before the byte at offset.
type insert struct {
	offset int
	text   string
}

// Append appends the additions to the file, each at the end of the
// metric_relabel_configs of its job, where a rule sees the labels as they are
// stored. Where a job has no such key, it is added at the end of the job. An
// addition that cannot be made so is left out and listed in Patch.Skipped; the
// others are made nevertheless. An error means that the file cannot be read.
func Append(file []byte, additions []Addition) (*Patch, error) {
	doc, err := parse(file)
	if err != nil {
		return nil, err
	}
	p := &Patch{Original: file, Result: file}
	state := doc.value
	for _, a := range additions {
		skip := func(line int, format string, args ...any) {
			p.Skipped = append(p.Skipped, Skipped{Job: a.Job, Line: line, Reason: fmt.Sprintf(format, args...)})
		}
		items, err := decodeItems(a.Items)
		if err != nil {
			return nil, fmt.Errorf("read the rules to add to scrape job %q: %w", a.Job, err)
		}
		index, reason := doc.findJob(a.Job)
		if reason != nil {
			skip(reason.line, "%s", reason.text)
			continue
		}
		in, reason := doc.place(index, a.Items)
		if reason != nil {
			skip(reason.line, "%s", reason.text)
			continue
		}
		inserts := append(slices.Clone(p.inserts), in)
		result := apply(file, inserts)
		next, err := verify(state, result, index, items)
		if err != nil {
			skip(doc.jobs[index].Line, "%v; %s", err, advice(file, in))
			continue
		}
		p.inserts, p.Result, state = inserts, result, next
	}
	return p, nil
}

// advice says what to do about an insertion that would change more than it
// should.
func advice(file []byte, in insert) string {
	if in.offset == len(file) && !bytes.HasSuffix(file, []byte("\n")) {
		return "end the file with a line break first" // it ends in the text of a block scalar
	}
	return "add the rules by hand"
}

// apply puts the texts into the file. Texts for one offset keep their order.
func apply(file []byte, inserts []insert) []byte {
	sorted := slices.Clone(inserts)
	slices.SortStableFunc(sorted, func(a, b insert) int { return a.offset - b.offset })
	var out bytes.Buffer
	last := 0
	for _, in := range sorted {
		out.Write(file[last:in.offset])
		out.WriteString(in.text)
		last = in.offset
	}
	out.Write(file[last:])
	return out.Bytes()
}

// document is a file, its nodes and its values.
type document struct {
	lines []string // with their line breaks
	nodes []*yaml.Node
	// jobs are the entries of scrape_configs; names are their job names, and
	// rules says which of them have rules, merged ones included.
	jobs  []*yaml.Node
	names []string
	rules []bool
	files bool // scrape_config_files is set
	value map[any]any
}

// reason says why something cannot be done, and where.
type reason struct {
	line int
	text string
}

func parse(file []byte) (*document, error) {
	if err := checkLineBreaks(file); err != nil {
		return nil, err
	}
	var root yaml.Node
	if err := yaml.Unmarshal(file, &root); err != nil {
		return nil, fmt.Errorf("parse YAML (a template must be rendered first): %w", err)
	}
	value, err := decode(file)
	if err != nil {
		return nil, fmt.Errorf("parse YAML (a template must be rendered first): %w", err)
	}
	d := &document{lines: strings.SplitAfter(string(file), "\n"), value: value}
	flatten(&root, &d.nodes)
	if len(root.Content) == 0 {
		return d, nil
	}
	top := root.Content[0]
	_, d.files = value[scrapeConfigFilesKey]
	list := valueOf(top, scrapeConfigsKey)
	if list == nil {
		return d, nil
	}
	if list.Kind == yaml.AliasNode {
		return nil, fmt.Errorf("line %d: %s is an alias", list.Line, scrapeConfigsKey)
	}
	d.jobs = list.Content
	values, _ := value[scrapeConfigsKey].([]any)
	if len(values) != len(d.jobs) {
		return nil, fmt.Errorf("line %d: %s is not a list", list.Line, scrapeConfigsKey)
	}
	for _, v := range values {
		job, _ := v.(map[any]any)
		name, _ := job[jobNameKey].(string)
		if job[jobNameKey] != nil && name == "" {
			name = fmt.Sprint(job[jobNameKey]) // job_name: 1
		}
		d.names = append(d.names, name)
		d.rules = append(d.rules, job[rulesKey] != nil)
	}
	return d, nil
}

// checkLineBreaks refuses what YAML takes for a line break and editors do not.
func checkLineBreaks(file []byte) error {
	rest := bytes.ReplaceAll(file, []byte("\r\n"), nil)
	if bytes.ContainsAny(rest, "\r\u0085\u2028\u2029") {
		return errors.New(`the file has line breaks other than \n and \r\n; convert them first`)
	}
	return nil
}

// findJob returns the index of the job among the scrape_configs.
func (d *document) findJob(name string) (int, *reason) {
	index := slices.Index(d.names, name)
	if index < 0 {
		if d.files {
			return 0, &reason{text: "it is not in this file; look for it in the files of scrape_config_files and add the rules there"}
		}
		return 0, &reason{text: "it is not in this file"}
	}
	if again := slices.Index(d.names[index+1:], name); again >= 0 {
		second := d.jobs[index+1+again]
		return 0, &reason{second.Line, fmt.Sprintf("the job name is given twice, first in line %d; Prometheus refuses this", d.jobs[index].Line)}
	}
	return index, nil
}

// valueOf returns the value of a mapping's own key, or nil.
func valueOf(mapping *yaml.Node, key string) *yaml.Node {
	_, v := pairOf(mapping, key)
	return v
}

func pairOf(mapping *yaml.Node, key string) (k, v *yaml.Node) {
	if mapping.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i], mapping.Content[i+1]
		}
	}
	return nil, nil
}

// flatten lists the node and all below it in the order of the text.
func flatten(n *yaml.Node, out *[]*yaml.Node) {
	*out = append(*out, n)
	for _, c := range n.Content {
		flatten(c, out)
	}
}
