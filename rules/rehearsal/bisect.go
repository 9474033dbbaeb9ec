package rehearsal

import (
	"context"
	"slices"
)

// Bounds of the search for changes to blame, for each expression.
const (
	maxBlamed   = 20 // changes; the rest is blamed together
	maxMoments  = 3  // at which groups of changes are tried
	maxTogether = 12 // changes that show only together are told apart up to here
)

// blame finds the changes because of which the subject differs, one after the
// other, until the rest makes no difference.
func (r *runner) blame(ctx context.Context, s *subject, differing []moment) []Difference {
	b := &blamer{runner: r, subject: s, base: map[moment]*result{}}
	for i := range differing {
		differing[i].finding = nil // moments are compared without it
	}
	rest := slices.Clone(s.touched)
	var out []Difference
	for len(rest) > 0 && ctx.Err() == nil {
		where := b.where(ctx, rest, differing)
		if len(where) == 0 {
			return out
		}
		guilty, vague := rest, true
		if len(out) < maxBlamed {
			tried := make([]moment, 0, maxMoments)
			for _, i := range spread(len(where), maxMoments) {
				tried = append(tried, where[i])
			}
			guilty, vague = b.reduce(ctx, rest, tried)
		}
		out = append(out, b.difference(ctx, guilty, vague, differing))
		rest = slices.DeleteFunc(rest, func(i int) bool { return slices.Contains(guilty, i) })
	}
	return out
}

type blamer struct {
	*runner
	subject *subject
	base    map[moment]*result
}

// finding returns how the subject differs at the moment under some changes.
func (b *blamer) finding(ctx context.Context, set []int, m moment) *finding {
	base := b.base[m]
	if base == nil {
		base = b.run(ctx, b.data.Queryable, b.subject, m.replayed, m.at)
		b.base[m] = base
	}
	f, refused := b.against(ctx, base, newSubsetView(b.runner, set), b.subject, m.replayed, m.at)
	if refused != "" && ctx.Err() == nil {
		return &finding{KindError, refused}
	}
	return f
}

// newSubsetView returns a view with some of the changes.
func newSubsetView(r *runner, set []int) *View {
	changes := make([]Change, len(set))
	for i, k := range set {
		changes[i] = r.changes[k]
	}
	return NewView(r.data.Queryable, changes, r.union.plan.recorded)
}

// where returns the moments at which the changes make a difference.
func (b *blamer) where(ctx context.Context, set []int, moments []moment) []moment {
	var out []moment
	for _, m := range moments {
		if b.finding(ctx, set, m) != nil {
			out = append(out, m)
		}
	}
	return out
}

// reduce returns a smaller set of changes that makes a difference, too, and
// whether it may be still too big.
func (b *blamer) reduce(ctx context.Context, set []int, moments []moment) (guilty []int, vague bool) {
	differs := func(set []int) bool { return len(set) > 0 && len(b.where(ctx, set, moments)) > 0 }
	for len(set) > 1 {
		half := len(set) / 2
		switch {
		case differs(set[:half]):
			set = set[:half]
		case differs(set[half:]):
			set = set[half:]
		case len(set) > maxTogether:
			return set, true
		default: // they show only together: leave out what is not needed
			for i := 0; i < len(set); {
				without := slices.Delete(slices.Clone(set), i, i+1)
				if differs(without) {
					set = without
				} else {
					i++
				}
			}
			return set, false
		}
	}
	return set, false
}

// difference says how and when the subject differs because of the changes.
func (b *blamer) difference(ctx context.Context, set []int, vague bool, moments []moment) Difference {
	d := Difference{Consumers: b.subject.consumers, Vague: vague}
	for _, i := range set {
		d.Changes = append(d.Changes, b.changes[i].ID)
	}
	for _, m := range moments {
		f := b.finding(ctx, set, m)
		if f == nil {
			continue
		}
		if d.Instants == 0 {
			d.Expr, d.At, d.Kind, d.Detail = m.text, m.at, f.kind, f.detail
		}
		d.Instants++
	}
	return d
}
