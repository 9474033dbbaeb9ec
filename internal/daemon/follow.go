package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/config"
	"github.com/sentei/sentei/internal/promapi"
	"github.com/sentei/sentei/internal/promconfig"
	"github.com/sentei/sentei/internal/store"
	"github.com/sentei/sentei/internal/track"
	"github.com/sentei/sentei/rules"
)

// OpenStore opens the store that the configuration names, for reading alone or
// for changes too. It returns nil when the configuration names none, and when
// there is none to read yet.
func OpenStore(ctx context.Context, c *config.Config, readOnly bool) (*store.Store, error) {
	path := c.Path(c.Store.Path)
	switch {
	case path == "":
		return nil, nil
	case !readOnly:
		return store.Open(ctx, path)
	}
	s, err := store.OpenReadOnly(ctx, path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return s, err
}

// follower completes reports with what the store knows.
type follower struct {
	config *config.Config
	store  *store.Store
	logger *slog.Logger
	now    func() time.Time
}

// UseStore lets scans say where proposals stand and what came of them. nil is
// for none: then every proposal is pending. The scanner changes nothing in it.
func (s *Scanner) UseStore(st *store.Store) {
	s.follower = nil
	if st != nil {
		s.follower = &follower{s.config, st, s.logger, s.now}
	}
}

// remembered is for how long a proposal that nobody accepted can turn out to
// have been carried out after it is gone.
const remembered = 7 * 24 * time.Hour

// follow sets the states of the proposals and fills in what was carried out.
// When the store cannot be read, proposals stay pending, and a problem says so.
func (f *follower) follow(ctx context.Context, r *sentei.Report, series map[string]sentei.SeriesReader) error {
	series = stored(series)
	in := track.Input{Report: r, Series: series}
	if err := f.read(ctx, &in); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		r.Problems = append(r.Problems, storeProblem("", err, "decisions are not known, so every proposal counts as pending"))
		return nil
	}
	in.Configs = map[string]*promconfig.Effects{}
	for i := range f.config.Backends {
		b := &f.config.Backends[i]
		effects, err := f.effects(ctx, b)
		if err != nil {
			r.Problems = append(r.Problems, storeProblem(b.Name, err, "whether proposals were carried out is seen by the series alone"))
		}
		if effects != nil {
			in.Configs[b.Name] = effects
		}
	}
	counters, done := f.counters(series)
	defer done()
	in.Counters = counters
	asked := &rules.Input{Report: r}
	in.Noticing = func(p *sentei.Proposal, since time.Time) []sentei.Regret { return rules.Noticing(asked, p, since) }
	if err := track.Follow(ctx, in); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		r.Problems = append(r.Problems, storeProblem("", err, "what came of proposals is as the last report had it"))
		r.Tracked = in.Tracked
	}
	return nil
}

// stored leaves out what lists series by asking a server, which is cheaper
// asked for counts.
func stored(series map[string]sentei.SeriesReader) map[string]sentei.SeriesReader {
	out := maps.Clone(series)
	maps.DeleteFunc(out, func(_ string, r sentei.SeriesReader) bool {
		_, samples := r.(sentei.ConstantReader)
		return !samples
	})
	return out
}

func storeProblem(backend string, err error, hint string) sentei.Problem {
	p := sentei.Problem{Backend: backend, Source: "store", Message: err.Error(), Hint: hint}
	p.ID = sentei.HashID("problem", p.Backend, p.Source, p.Message)
	return p
}

func (f *follower) read(ctx context.Context, in *track.Input) (err error) {
	if in.Decisions, err = f.store.Decisions(ctx); err != nil {
		return err
	}
	if in.Replaces, err = f.store.Replaces(ctx, in.Report.Proposals); err != nil {
		return err
	}
	if in.Tracked, err = f.store.Tracked(ctx); err != nil {
		return err
	}
	recent, err := f.store.Recent(ctx, in.Report.At.Add(-remembered))
	for _, p := range recent {
		in.Earlier = append(in.Earlier, track.Earlier{Proposal: p.Proposal, LastSeen: p.LastSeen})
	}
	return err
}

// effects returns what the configuration in force at a backend does: the one
// that its server has loaded, or prometheus_config where no server can tell. It
// is nil when neither is known. Files of scrape_config_files are those of
// prometheus_config in any case, since no server shows them.
func (f *follower) effects(ctx context.Context, b *config.Backend) (*promconfig.Effects, error) {
	sources, err := dataSources(f.config, b.Name)
	if err != nil {
		return nil, err
	}
	var text []byte
	if sources.server != nil {
		client, err := promapi.New(*sources.server, f.config.Dir, f.logger, f.now)
		if err != nil {
			return nil, err
		}
		defer client.Close()
		loaded, err := client.ConfigYAML(ctx)
		if err != nil {
			return nil, err
		}
		text = []byte(loaded)
	}
	var included []promconfig.File
	if b.PrometheusConfig != "" && (text == nil || bytes.Contains(text, []byte("scrape_config_files:"))) {
		file, others, err := promconfig.Load(f.config.Dir, b.PrometheusConfig)
		if err != nil {
			return nil, fmt.Errorf("read prometheus_config: %w", err)
		}
		included = others
		if text == nil {
			text = file
		}
	}
	if text == nil {
		return nil, nil
	}
	if sources.server != nil {
		return promconfig.ReadLoaded(text, included...)
	}
	return promconfig.ReadEffects(text, included...)
}

// counters returns what counts series at the servers of those backends whose
// series cannot be read. done must be called at last.
func (f *follower) counters(series map[string]sentei.SeriesReader) (counters map[string]func(context.Context, []*labels.Matcher) (int64, bool), done func()) {
	counters = map[string]func(context.Context, []*labels.Matcher) (int64, bool){}
	var clients []*promapi.Client
	for i := range f.config.Backends {
		name := f.config.Backends[i].Name
		sources, err := dataSources(f.config, name)
		if err != nil || sources.server == nil || series[name] != nil {
			continue // a mistake in the configuration is told by effects
		}
		client, err := promapi.New(*sources.server, f.config.Dir, f.logger, f.now)
		if err != nil {
			continue
		}
		clients = append(clients, client)
		counters[name] = func(ctx context.Context, matchers []*labels.Matcher) (int64, bool) {
			selector := sentei.Selector{Matchers: matchers}
			found, warnings, err := client.Query(ctx, "count("+selector.String()+")", time.Time{})
			if err != nil || len(warnings) > 0 || len(found) > 1 {
				f.logger.Debug("how many series are left is not known", "backend", name, "selector", selector.String(), "warnings", warnings, "err", err)
				return 0, false
			}
			if len(found) == 0 {
				return 0, true
			}
			return int64(found[0].Value), true
		}
	}
	return counters, func() {
		for _, c := range clients {
			c.Close()
		}
	}
}

// Keep puts a report with its proposals and what came of others into the
// store, and deletes the reports that are too old.
func Keep(ctx context.Context, st *store.Store, c *config.Config, r *sentei.Report) error {
	all := slices.Clone(r.Proposals)
	for i := range r.Tracked { // one may be carried out already in the first report that has it
		if t := &r.Tracked[i]; t.AppliedAt.Equal(r.At) {
			all = append(all, t.Proposal)
		}
	}
	if err := st.Remember(ctx, r.At, all); err != nil {
		return err
	}
	if err := st.SetTracked(ctx, r.Tracked); err != nil {
		return err
	}
	if _, err := st.SaveReport(ctx, r); err != nil {
		return err
	}
	_, err := st.Prune(ctx, r.At, time.Duration(c.Store.ReportRetention))
	return err
}
