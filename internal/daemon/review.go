package daemon

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/exporters/relabel"
	"github.com/sentei/sentei/exporters/web"
	"github.com/sentei/sentei/internal/config"
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
		Now: d.options.Now, Logger: d.options.Logger,
	}
	if d.store != nil { // else the interface would hold a nil pointer
		o.Decider = d.store
	}
	if c.Web.ExternalURL != "" {
		u, err := url.Parse(c.Web.ExternalURL)
		if err != nil || u.Scheme == "" || u.Host == "" {
			return nil, fmt.Errorf("web.external_url: want an address such as https://sentei.example.org, got %q", c.Web.ExternalURL)
		}
		o.Origin = u.Scheme + "://" + u.Host
	}
	return web.New(o)
}
