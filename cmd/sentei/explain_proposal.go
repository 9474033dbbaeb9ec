package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/exporters/relabel"
	"github.com/sentei/sentei/internal/config"
	"github.com/sentei/sentei/internal/relabeling"
)

func newExplainProposal() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "proposal ID",
		Short: "Print a proposal in full: saving, evidence, proof, rehearsal, risk and its relabel rule",
		Long: `Print all that is known about one proposal: what it changes where, what that
saves now and every day, the evidence with queries to check it by hand, the
proof, how its rehearsal went, what is off while it is deployed, and its relabel
rule. The first digits of the ID will do.`,
		Args: exactly(1),
		RunE: explainProposal,
	}
	cmd.Flags().StringP("output", "o", "text", "format: text (Markdown) or json")
	cmd.Flags().Bool("rehearse", false, "rehearse the proposals first, and withdraw those that make a difference")
	return cmd
}

func explainProposal(cmd *cobra.Command, args []string) error {
	output, _ := cmd.Flags().GetString("output")
	if output != "text" && output != "json" {
		return usageError{fmt.Errorf("--output is %q: want text or json", output)}
	}
	r, _, err := scan(cmd, nil, func(c *config.Config) {
		if cmd.Flags().Changed("rehearse") {
			c.Rehearsal.Enabled, _ = cmd.Flags().GetBool("rehearse")
		}
	})
	if err != nil {
		return err
	}
	p, err := findProposal(r, args[0])
	if err != nil {
		return err
	}
	e, err := explainedProposal(r, p)
	if err != nil {
		return err
	}
	if output == "json" {
		encoder := json.NewEncoder(cmd.OutOrStdout())
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		return encoder.Encode(e)
	}
	return e.write(cmd.OutOrStdout(), r)
}

// findProposal returns the proposal whose ID is the text or begins with it.
func findProposal(r *sentei.Report, id string) (*sentei.Proposal, error) {
	var found []*sentei.Proposal
	for i := range r.Proposals {
		p := &r.Proposals[i]
		if p.ID == id {
			return p, nil
		}
		if strings.HasPrefix(p.ID, id) {
			found = append(found, p)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return nil, fmt.Errorf("none of the %d proposals has the ID %q: sentei propose and sentei report name them; it may be applied, withdrawn or exempt", len(r.Proposals), id)
	default:
		return nil, fmt.Errorf("%d proposals have IDs that begin with %q: give more of it", len(found), id)
	}
}

// proposalExplanation is a proposal with what its proof refers to.
type proposalExplanation struct {
	sentei.Proposal
	Title string `json:"title"`
	// Consumers are those that the proof names, in its order.
	Consumers []*sentei.Consumer `json:"consumers,omitempty"`
	// Relabel is the proposal in the dialect of Prometheus; empty when no
	// relabel rule carries it out, and NoRelabel says why.
	Relabel   string `json:"relabel,omitempty"`
	NoRelabel string `json:"no_relabel,omitempty"`
}

func explainedProposal(r *sentei.Report, p *sentei.Proposal) (*proposalExplanation, error) {
	e := &proposalExplanation{Proposal: *p, Title: relabeling.Title(p)}
	seen := map[string]bool{}
	if p.Proof != nil {
		for _, reader := range p.Proof.Readers {
			if c := r.Consumer(reader.Consumer); c != nil && !seen[c.ID] {
				seen[c.ID] = true
				e.Consumers = append(e.Consumers, c)
			}
		}
	}
	_, not := relabeling.Configs(p)
	if not != nil {
		e.NoRelabel = not.Error()
	} else if err := e.setRelabel(r); err != nil {
		return nil, err
	}
	return e, nil
}

// setRelabel writes the proposal alone in the dialect of Prometheus.
func (e *proposalExplanation) setRelabel(r *sentei.Report) error {
	dialect, err := relabel.ByName("prometheus")
	if err != nil {
		return err
	}
	alone := r.OfBackends(e.Place.Backend)
	alone.Proposals = []sentei.Proposal{e.Proposal}
	var text strings.Builder
	if err := dialect.Write(&text, alone, relabel.Options{}); err != nil {
		return err
	}
	e.Relabel = text.String()
	return nil
}
