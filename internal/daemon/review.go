package daemon

import (
	"cmp"
	"context"
	"net/http"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/exporters/relabel"
	"github.com/sentei/sentei/exporters/web"
	"github.com/sentei/sentei/internal/config"
	"github.com/sentei/sentei/internal/store"
	"github.com/sentei/sentei/rules"
)

// newReview makes the review page and the API of the daemon. Decisions are
// taken when there is a store to keep them.
func (d *Daemon) newReview(c *config.Config) (http.Handler, error) {
	docs := map[string]sentei.Doc{}
	for _, i := range rules.All() {
		docs[i.Kind] = i.Doc
	}
	o := web.Options{
		Report:   d.Report,
		ReadOnly: func() bool { return d.current.Load().config.Web.ReadOnly },
		Relabel: func() (relabel.Options, error) {
			return RelabelOptions(d.current.Load().config, cmp.Or(d.Report(), &sentei.Report{}))
		},
		RuleDoc: func(rule string) (sentei.Doc, bool) {
			doc, ok := docs[rule]
			return doc, ok
		},
		Origin: c.Web.Origin(), Now: d.options.Now, Logger: d.options.Logger,
	}
	o.Deliveries = deliveryList{d}
	if d.store != nil { // else the interface would hold a nil pointer
		o.Decider = d.store
	}
	return web.New(o)
}

// deliveryList tells the review page of scheduled reports.
type deliveryList struct{ d *Daemon }

// Schedules implements web.Deliveries.
func (l deliveryList) Schedules() []web.Schedule {
	var out []web.Schedule
	for _, s := range l.d.current.Load().reports {
		w := web.Schedule{Name: s.Name, Schedule: s.Schedule, Next: s.schedule.Next(l.d.options.Now()), Channels: []string{}}
		for _, c := range s.Channels {
			w.Channels = append(w.Channels, c.Name)
		}
		out = append(out, w)
	}
	return out
}

// Deliveries implements web.Deliveries.
func (l deliveryList) Deliveries(ctx context.Context, most int) ([]store.Delivery, error) {
	return l.d.box.Deliveries(ctx, most)
}
