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
	// Decisions returns the latest decision about each proposal, by its
	// identifier.
	Decisions(ctx context.Context) (map[string]sentei.Decision, error)
}

// ErrCarriedOut says that there is nothing left to decide.
var ErrCarriedOut = errors.New("it has been carried out")

// ErrRejected says that somebody has rejected one that would be accepted along.
var ErrRejected = errors.New("take that back first")

// Decide decides about a proposal of the report and about those that stand and
// fall with it, and returns all of them, in the order of the report. Whatever
// proposal the decision names does not count.
func Decide(ctx context.Context, k Keeper, r *sentei.Report, p *sentei.Proposal, d sentei.Decision) ([]*sentei.Proposal, error) {
	members := r.Together(p)
	if d.State == sentei.Accepted {
		if err := notRejected(ctx, k, p, members); err != nil {
			return nil, err
		}
	}
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

// notRejected returns an error when a member was rejected and the proposal was
// not: whoever accepts the one does not overrule what was said of the other.
func notRejected(ctx context.Context, k Keeper, p *sentei.Proposal, members []*sentei.Proposal) error {
	latest, err := k.Decisions(ctx)
	if err != nil || latest[p.ID].State == sentei.Rejected {
		return err
	}
	for _, m := range members {
		if d := latest[m.ID]; d.State == sentei.Rejected {
			return fmt.Errorf("accept proposal %s: %s stands and falls with it and was rejected by %s (%s): %w", p.ID, m.ID, d.By, d.Reason, ErrRejected)
		}
	}
	return nil
}
