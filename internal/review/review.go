// Package review takes decisions about proposals, for the page, the API and the
// command line alike. In go a report, one of its proposals and what somebody
// decided about it; the decision about it and about all that stand and fall
// with it comes out, kept in one step.
package review

import (
	"context"
	"errors"
	"fmt"

	"github.com/sentei/sentei"
)

// Keeper keeps decisions: all of them, or none and an error.
type Keeper interface {
	Decide(ctx context.Context, decisions ...sentei.Decision) error
}

// ErrCarriedOut says that there is nothing left to decide.
var ErrCarriedOut = errors.New("it has been carried out")

// Decide decides about a proposal of the report and about those that stand and
// fall with it, and returns all of them, in the order of the report. Whatever
// proposal the decision names does not count.
func Decide(ctx context.Context, k Keeper, r *sentei.Report, p *sentei.Proposal, d sentei.Decision) ([]*sentei.Proposal, error) {
	members := r.Together(p)
	decisions := make([]sentei.Decision, len(members))
	for i, m := range members {
		switch m.State {
		case sentei.Applied, sentei.Verified, sentei.Regretted:
			return nil, fmt.Errorf("decide on proposal %s: %w", m.ID, ErrCarriedOut)
		}
		decisions[i] = d
		decisions[i].Proposal = m.ID
	}
	if err := k.Decide(ctx, decisions...); err != nil {
		return nil, err
	}
	return members, nil
}
