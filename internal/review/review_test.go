package review

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei"
)

type keeper struct {
	kept []sentei.Decision
	err  error
}

func (k *keeper) Decide(_ context.Context, decisions ...sentei.Decision) error {
	if k.err == nil {
		k.kept = append(k.kept, decisions...)
	}
	return k.err
}

func (k *keeper) Decisions(context.Context) (map[string]sentei.Decision, error) {
	out := map[string]sentei.Decision{}
	for _, d := range k.kept {
		out[d.Proposal] = d
	}
	return out, nil
}

// TestAcceptBesideRejected has one proposal rejected before another came to
// stand and fall with it.
func TestAcceptBesideRejected(t *testing.T) {
	r := &sentei.Report{Proposals: []sentei.Proposal{{ID: "a", Group: "a"}, {ID: "b", Group: "a", State: sentei.Rejected}}}
	k := &keeper{kept: []sentei.Decision{{Proposal: "b", State: sentei.Rejected, By: "kim", Reason: "needed"}}}
	accept := sentei.Decision{State: sentei.Accepted, By: "lee"}
	if _, err := Decide(t.Context(), k, r, &r.Proposals[0], accept); !errors.Is(err, ErrRejected) || len(k.kept) != 1 {
		t.Errorf("%v, kept %v", err, k.kept)
	}
	// Who looks at the rejected one itself may think otherwise.
	if all, err := Decide(t.Context(), k, r, &r.Proposals[1], accept); err != nil || len(all) != 2 {
		t.Errorf("%v, %v", all, err)
	}
	k.kept = append(k.kept, sentei.Decision{Proposal: "b", State: sentei.Pending})
	if _, err := Decide(t.Context(), k, r, &r.Proposals[0], accept); err != nil {
		t.Error(err)
	}
}

func TestDecide(t *testing.T) {
	r := &sentei.Report{Proposals: []sentei.Proposal{
		{ID: "a", Group: "a"}, {ID: "alone"}, {ID: "b", Group: "a"}, {ID: "c", Group: "c", State: sentei.Applied}, {ID: "d", Group: "c"}, {ID: "alone too"},
	}}
	d := sentei.Decision{Proposal: "anything", State: sentei.Rejected, Reason: "needed", By: "kim"}
	full := errors.New("the disk is full")
	for id, tt := range map[string]struct {
		full error
		want []string
		err  error
	}{
		"alone": {want: []string{"alone"}},
		"a":     {want: []string{"a", "b"}},
		"b":     {want: []string{"a", "b"}},
		"d":     {err: ErrCarriedOut},
		"c":     {full: full, err: ErrCarriedOut},
		"none":  {full: full, err: full},
	} {
		k := &keeper{err: tt.full}
		p := &sentei.Proposal{ID: id}
		for i := range r.Proposals {
			if r.Proposals[i].ID == id {
				p = &r.Proposals[i]
			}
		}
		members, err := Decide(t.Context(), k, r, p, d)
		var got, kept []string
		for _, m := range members {
			got = append(got, m.ID)
		}
		for _, one := range k.kept {
			kept = append(kept, one.Proposal)
			if one.State != d.State || one.Reason != d.Reason || one.By != d.By {
				t.Errorf("%s: %+v", id, one)
			}
		}
		if !errors.Is(err, tt.err) || cmp.Diff(tt.want, got) != "" || cmp.Diff(tt.want, kept) != "" {
			t.Errorf("%s: decided %v, kept %v, %v", id, got, kept, err)
		}
	}
}
