// Package relabel writes proposals as configuration to review, one file a
// dialect. In goes a sentei.Report; out come relabel rules, with comments that
// say what each rule drops and why. Every rule is read back and executed over
// all known series before it is written: it must drop what was proposed and
// nothing else.
package relabel

import (
	"fmt"
	"io"
	"strings"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promconfig"
)

// Dialect is one way to write the proposals of a report.
type Dialect struct {
	Name      string     // what the user asks for, as in sentei propose -o NAME
	Extension string     // of files, without the dot
	Doc       sentei.Doc // Example is a piece of what is written
	// Write writes all proposals. It fails when a rule does not do what was
	// proposed, and then what was written must be thrown away.
	Write func(w io.Writer, r *sentei.Report, o Options) error
}

// Options are what dialects need beside the report.
type Options struct {
	// Notes gets what a dialect without comments has to say: what each rule
	// saves and what is left out. Nothing is said when nil.
	Notes io.Writer
	// Remark is a sentence for the comment at the top, such as which of the
	// proposals are written; may be empty.
	Remark string
	// Files holds the prometheus.yml of each backend by its name. The diff
	// needs it, and the scrape class.
	Files map[string]File
	// Included holds the files of scrape_config_files of each backend. Their
	// paths are as in Files.
	Included map[string][]promconfig.File
	// RuleFiles holds the rule files that recording rules are to be deleted
	// from, by backend and by the file of the rule's location. Only the diff
	// needs it; rules of other files are named in comments.
	RuleFiles map[string]map[string]File
}

// File is a configuration file of the user.
type File struct {
	Path    string // as it stands in the diff: relative to where it is applied
	Content []byte
}

// Dialects lists every dialect, in the order of the documentation.
func Dialects() []Dialect {
	return []Dialect{prometheusDialect, diffDialect, operatorDialect, scrapeClassDialect, vmagentDialect, alloyDialect, otelDialect, mimirDialect, adaptiveMetricsDialect, recordingRulesDialect}
}

// ByName returns the dialect with the name. The error of an unknown name lists
// the valid ones.
func ByName(name string) (Dialect, error) {
	var names []string
	for _, d := range Dialects() {
		if d.Name == name {
			return d, nil
		}
		names = append(names, d.Name)
	}
	return Dialect{}, fmt.Errorf("unknown relabel dialect %q: use one of %s", name, strings.Join(names, ", "))
}
