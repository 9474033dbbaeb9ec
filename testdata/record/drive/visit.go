package main

import (
	"context"
	"fmt"
	"time"
)

// step is the resolution of all panels: what Grafana picks for a range of this length.
const step = 15 * time.Second

// visit does what a browser that opens d does: fill in the variables, then run the annotations and the
// panels that are to be seen; with openAll also those in closed rows. It returns what failed and which
// panels stayed empty.
func (d *dashboard) visit(ctx context.Context, api *api, now time.Time, openAll bool) []error {
	back, err := d.timeRange()
	if err != nil {
		return []error{err}
	}
	values, err := d.variables(ctx, api, back, now)
	if err != nil {
		return []error{err}
	}
	var problems []error
	ask := func(title string, t target) (found int) {
		if !t.isPrometheus() || t.Hide {
			return 0
		}
		expr := values.fill(t.Expr)
		var err error
		if t.Instant {
			found, err = api.query(ctx, expr, now)
		} else {
			found, err = api.queryRange(ctx, expr, now.Add(-back), now, step)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("dashboard %s, %s: %w", d.Title, title, err))
		}
		return found
	}
	for _, annotation := range d.Annotations.List {
		ask("annotation "+annotation.Name, annotation)
	}
	for _, p := range d.Panels {
		if p.unseen && !openAll {
			continue
		}
		found, asked := 0, false
		for _, t := range p.Targets {
			found += ask("panel "+p.Title, t)
			asked = asked || t.isPrometheus() && !t.Hide
		}
		if asked && found == 0 {
			problems = append(problems, fmt.Errorf("dashboard %s, panel %s: no data", d.Title, p.Title))
		}
	}
	return problems
}
