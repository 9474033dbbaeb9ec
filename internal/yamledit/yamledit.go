// Package yamledit adds relabel rules to a Prometheus configuration that
// somebody keeps by hand, sets scrape intervals there, and takes recording rules out of rule files. In go
// the bytes of the file and the rules; out come the bytes with lines added,
// values replaced or lines taken out, and no other byte changed, or a unified diff of them. Comments, blank lines, quotes and indentation stay
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
	remoteWriteKey       = "remote_write"
)

// Addition is what to append to the metric_relabel_configs of one scrape job,
// or to the write_relabel_configs of one entry of remote_write.
type Addition struct {
	Job string
	// RemoteWrite is the name or the URL of the entry; Job is empty then.
	RemoteWrite string
	// Items is a YAML block sequence that starts at the first column, its
	// lines ended by "\n". It may hold comments.
	Items string
	// Interval is the scrape_interval that the job gets instead of relabel
	// rules. Items then holds nothing but comments, which go above it.
	Interval string
}

// Skipped is an addition that cannot be made by adding lines alone, or a
// deletion that cannot be made by taking lines out alone.
type Skipped struct {
	Job, RemoteWrite, Record string // one of them is set
	Line                     int    // where in the file, 1-based; 0 when it is not in the file
	Reason                   string
}

// Error returns the reason with what it is about and the line.
func (s Skipped) Error() string {
	text := fmt.Sprintf("scrape job %q: %s", s.Job, s.Reason)
	switch {
	case s.RemoteWrite != "":
		text = fmt.Sprintf("remote_write %q: %s", s.RemoteWrite, s.Reason)
	case s.Record != "":
		text = fmt.Sprintf("recording rule %q: %s", s.Record, s.Reason)
	}
	if s.Line == 0 {
		return text
	}
	return fmt.Sprintf("line %d: %s", s.Line, text)
}

// Patch is a file and the lines added to it or taken out of it.
type Patch struct {
	Original []byte
	Result   []byte
	Skipped  []Skipped // in the order of the additions or deletions
	edits    []edit
}

// edit puts a text in the place of the bytes from offset to end.
type edit struct {
	offset, end int
	text        string
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
			p.Skipped = append(p.Skipped, Skipped{Job: a.Job, RemoteWrite: a.RemoteWrite, Line: line, Reason: fmt.Sprintf(format, args...)})
		}
		var items []any
		if a.Interval == "" {
			var err error
			if items, err = decodeItems(a.Items); err != nil {
				return nil, fmt.Errorf("read the rules to add to scrape job %q: %w", a.Job, err)
			}
		}
		list, index, reason := doc.find(&a)
		if reason != nil {
			skip(reason.line, "%s", reason.text)
			continue
		}
		var in edit
		if a.Interval == "" {
			in, reason = doc.place(list, index, a.Items)
		} else {
			in, reason = doc.placeInterval(list.entries[index], &a)
		}
		if reason != nil {
			skip(reason.line, "%s", reason.text)
			continue
		}
		edits := append(slices.Clone(p.edits), in)
		result := apply(file, edits)
		var next map[any]any
		if a.Interval == "" {
			next, err = verify(state, result, list, index, items)
		} else {
			next, err = verifyInterval(state, result, list, index, a.Interval)
		}
		if err != nil {
			skip(list.entries[index].Line, "%v; %s", err, advice(file, in))
			continue
		}
		p.edits, p.Result, state = edits, result, next
	}
	return p, nil
}

// advice says what to do about an insertion that would change more than it
// should.
func advice(file []byte, in edit) string {
	if in.offset == len(file) && !bytes.HasSuffix(file, []byte("\n")) {
		return "end the file with a line break first" // it ends in the text of a block scalar
	}
	return "change it by hand"
}

// apply makes the edits, which do not overlap. Texts for one offset keep their
// order.
func apply(file []byte, edits []edit) []byte {
	sorted := slices.Clone(edits)
	slices.SortStableFunc(sorted, func(a, b edit) int { return a.offset - b.offset })
	var out bytes.Buffer
	last := 0
	for _, in := range sorted {
		out.Write(file[last:in.offset])
		out.WriteString(in.text)
		last = in.end
	}
	out.Write(file[last:])
	return out.Bytes()
}

// document is a file, its nodes and its values.
type document struct {
	lines   []string // with their line breaks
	nodes   []*yaml.Node
	jobs    list // scrape_configs
	remotes list // remote_write
	files   bool // scrape_config_files is set
	value   map[any]any
}

// list is a list of the file whose entries have relabel rules.
type list struct {
	key, rulesKey string
	what          string // what an entry is
	entries       []*yaml.Node
	names, urls   []string
	rules         []bool // which entries have rules, merged ones included
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
	d.jobs = list{key: scrapeConfigsKey, rulesKey: "metric_relabel_configs", what: "job"}
	d.remotes = list{key: remoteWriteKey, rulesKey: "write_relabel_configs", what: "entry"}
	if err := d.remotes.read(top, value, "name"); err != nil {
		d.remotes.entries = nil // what is to be added there is skipped
	}
	return d, d.jobs.read(top, value, jobNameKey)
}

// read finds the entries of the list, if the file has it.
func (l *list) read(top *yaml.Node, value map[any]any, nameKey string) error {
	node := valueOf(top, l.key)
	if node == nil {
		return nil
	}
	if node.Kind == yaml.AliasNode {
		return fmt.Errorf("line %d: %s is an alias", node.Line, l.key)
	}
	l.entries = node.Content
	values, _ := value[l.key].([]any)
	if len(values) != len(l.entries) {
		return fmt.Errorf("line %d: %s is not a list", node.Line, l.key)
	}
	for _, v := range values {
		entry, _ := v.(map[any]any)
		name, _ := entry[nameKey].(string)
		if entry[nameKey] != nil && name == "" {
			name = fmt.Sprint(entry[nameKey]) // job_name: 1
		}
		url, _ := entry["url"].(string)
		l.names, l.urls = append(l.names, name), append(l.urls, url)
		l.rules = append(l.rules, entry[l.rulesKey] != nil)
	}
	return nil
}

// checkLineBreaks refuses what YAML takes for a line break and editors do not.
func checkLineBreaks(file []byte) error {
	rest := bytes.ReplaceAll(file, []byte("\r\n"), nil)
	if bytes.ContainsAny(rest, "\r\u0085\u2028\u2029") {
		return errors.New(`the file has line breaks other than \n and \r\n; convert them first`)
	}
	return nil
}

// find returns the list and the index of the entry that is added to.
func (d *document) find(a *Addition) (*list, int, *reason) {
	if a.RemoteWrite != "" {
		index, reason := d.findRemote(a.RemoteWrite)
		return &d.remotes, index, reason
	}
	index, reason := d.findJob(a.Job)
	return &d.jobs, index, reason
}

// findRemote returns the index of the only entry of remote_write with the name
// or the URL.
func (d *document) findRemote(name string) (int, *reason) {
	index := -1
	for i, e := range d.remotes.entries {
		if d.remotes.names[i] != name && d.remotes.urls[i] != name {
			continue
		}
		if index >= 0 {
			return 0, &reason{e.Line, fmt.Sprintf("it cannot be told from the one in line %d; give both a name", d.remotes.entries[index].Line)}
		}
		index = i
	}
	if index < 0 {
		return 0, &reason{text: "it is not in this file"}
	}
	return index, nil
}

// findJob returns the index of the job among the scrape_configs.
func (d *document) findJob(name string) (int, *reason) {
	index := slices.Index(d.jobs.names, name)
	if index < 0 {
		if d.files {
			return 0, &reason{text: "it is not in this file; look for it in the files of scrape_config_files and add the rules there"}
		}
		return 0, &reason{text: "it is not in this file"}
	}
	if again := slices.Index(d.jobs.names[index+1:], name); again >= 0 {
		second := d.jobs.entries[index+1+again]
		return 0, &reason{second.Line, fmt.Sprintf("the job name is given twice, first in line %d; Prometheus refuses this", d.jobs.entries[index].Line)}
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
