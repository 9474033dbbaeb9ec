package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/analyzer/inventory"
	"github.com/sentei/sentei/analyzer/usage"
	"github.com/sentei/sentei/exporters/notify"
	"github.com/sentei/sentei/exporters/relabel"
	"github.com/sentei/sentei/rules"
)

func newExplain() *cobra.Command {
	explain := &cobra.Command{
		Use:   "explain",
		Short: "Explain a metric, a proposal, a query, a rule, a source, a dialect or a channel",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	explain.AddCommand(newExplainMetric(), newExplainProposal(), newExplainQuery(), newExplainRule(), newExplainSource(), newExplainDialect(), newExplainChannel())
	return explain
}

// documented is a member of a family with its documentation.
type documented struct {
	kind string
	doc  sentei.Doc
	// example is the language of an example that is no configuration.
	example string
}

func newExplainRule() *cobra.Command {
	return &cobra.Command{
		Use:   "rule NAME",
		Short: "Print the documentation of a kind of proposal",
		Args:  exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return explainDoc(cmd, "rule", args[0], ruleDocs())
		},
	}
}

func newExplainSource() *cobra.Command {
	return &cobra.Command{
		Use:   "source NAME",
		Short: "Print the documentation of an inventory or usage source",
		Args:  exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return explainDoc(cmd, "source", args[0], sourceDocs())
		},
	}
}

func newExplainDialect() *cobra.Command {
	return &cobra.Command{
		Use:   "dialect NAME",
		Short: "Print the documentation of a way to write proposals",
		Args:  exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return explainDoc(cmd, "dialect", args[0], dialectDocs())
		},
	}
}

func newExplainChannel() *cobra.Command {
	return &cobra.Command{
		Use:   "channel NAME",
		Short: "Print the documentation of a way to deliver reports",
		Args:  exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return explainDoc(cmd, "channel", args[0], channelDocs())
		},
	}
}

func channelDocs() []documented {
	var docs []documented
	for _, i := range notify.All() {
		docs = append(docs, documented{kind: i.Kind, doc: i.Doc})
	}
	return docs
}

func dialectDocs() []documented {
	var docs []documented
	for _, d := range relabel.Dialects() {
		docs = append(docs, documented{d.Name, d.Doc, d.Extension})
	}
	return docs
}

func ruleDocs() []documented {
	var docs []documented
	for _, i := range rules.All() {
		docs = append(docs, documented{kind: i.Kind, doc: i.Doc})
	}
	return docs
}

func sourceDocs() []documented {
	var docs []documented
	for _, i := range inventory.All() {
		docs = append(docs, documented{kind: i.Kind, doc: i.Doc})
	}
	for _, i := range usage.All() {
		docs = append(docs, documented{kind: i.Kind, doc: i.Doc})
	}
	return docs
}

func explainDoc(cmd *cobra.Command, family, kind string, docs []documented) error {
	var known []string
	for _, d := range docs {
		if d.kind == kind {
			return writeDoc(cmd.OutOrStdout(), d)
		}
		known = append(known, d.kind)
	}
	return usageError{fmt.Errorf("no %s is called %q: there are %s", family, kind, strings.Join(known, ", "))}
}

// writeDoc writes the documentation as Markdown, the form of the pages in
// docs/.
func writeDoc(w io.Writer, d documented) error {
	heading, language := "Configuration", "yaml"
	if d.example != "" {
		heading, language = "Example", d.example
	}
	_, err := fmt.Fprintf(w, "# %s\n\n%s\n\n%s\n\n## %s\n\n```%s\n%s\n```\n", d.kind,
		strings.TrimSpace(d.doc.Title), strings.TrimSpace(d.doc.Text), heading, language, strings.Trim(d.doc.Example, "\n"))
	return err
}
