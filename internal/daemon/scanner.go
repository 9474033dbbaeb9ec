package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/common/model"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/analyzer"
	"github.com/sentei/sentei/internal/config"
	"github.com/sentei/sentei/internal/source"
	"github.com/sentei/sentei/rules"
)

// Scanner runs the whole pipeline for one configuration. The command line and
// the daemon use the same one.
type Scanner struct {
	backends  []analyzer.Backend
	rules     []rules.Rule
	configs   map[string]rules.Config
	exempt    []sentei.Exemption
	options   analyzer.Options
	timeout   time.Duration
	meters    []*source.Meter
	rehearser *rehearser // nil when scans do not rehearse
	follower  *follower  // nil without a store
	config    *config.Config
	now       func() time.Time
	logger    *slog.Logger
}

// NewScanner builds all sources and rules of the configuration. The error
// holds every mistake found.
func NewScanner(c *config.Config, logger *slog.Logger, now func() time.Time) (*Scanner, error) {
	b := builder{config: c, logger: logger, now: now, configs: map[string]rules.Config{}}
	s := &Scanner{
		config:   c,
		now:      now,
		backends: b.backends(),
		rules:    b.rules(),
		configs:  b.configs,
		timeout:  time.Duration(c.Scan.Timeout),
		logger:   logger,
		options: analyzer.Options{
			Window:    time.Duration(c.Analysis.Window),
			MinWindow: time.Duration(c.Analysis.MinWindow),
			MaxLag:    time.Duration(c.Analysis.MaxLag),
			Require:   c.Analysis.Require,
			Prices:    c.Prices,
			Owners:    c.Owners.Owners,
			Accepted:  map[string]string{},
		},
	}
	for _, a := range c.AcceptedProblems {
		s.options.Accepted[a.ID] = a.Reason
	}
	for i := range c.Exemptions {
		s.exempt = append(s.exempt, c.Exemptions[i].Exemption)
	}
	if c.Rehearsal.Enabled {
		s.rehearser = &rehearser{config: c, logger: logger, now: now, meter: source.NewMeter("", "rehearsal")}
	}
	s.meters = b.meters
	return s, b.err()
}

// Progress returns how far each source has come in the scan that runs, in
// configuration order, and the rehearsal after them when it is under way. It
// may be called at any time.
func (s *Scanner) Progress() []source.Progress {
	all := make([]source.Progress, len(s.meters))
	for i, m := range s.meters {
		all[i] = m.Progress()
	}
	if s.rehearser != nil {
		if p := s.rehearser.meter.Progress(); p.State == source.Reading {
			all = append(all, p)
		}
	}
	return all
}

// Scan reads all sources and returns the report with its proposals, and with
// the growth since the previous report, which may be nil. Sources that fail are
// problems in the report; the error is for scans that could not read any
// inventory or ran out of time; then it names the sources that did not finish.
func (s *Scanner) Scan(ctx context.Context, previous *sentei.Report) (*sentei.Report, error) {
	late := fmt.Errorf("scan.timeout of %s has passed: %w", model.Duration(s.timeout), context.DeadlineExceeded)
	ctx, cancel := context.WithTimeoutCause(ctx, s.timeout, late)
	defer cancel()
	for _, m := range s.meters {
		m.Wait()
	}
	scanned, err := analyzer.Scan(ctx, s.backends, s.options, s.logger)
	if err != nil {
		return nil, err
	}
	r := scanned.Report
	made, err := rules.Propose(ctx, &rules.Input{Report: r, Series: scanned.Series, Configs: s.configs, Exemptions: s.exempt}, s.rules)
	if err != nil {
		return nil, context.Cause(ctx)
	}
	r.Proposals, r.Findings = made.Proposals, made.Findings
	r.Problems = append(r.Problems, made.Problems...)
	if s.rehearser != nil {
		s.rehearser.rehearse(ctx, r)
	}
	if s.follower != nil {
		if err := s.follower.follow(ctx, r, scanned.Series); err != nil {
			return nil, err
		}
	}
	analyzer.SortProblems(r.Problems)
	r.SetGrowth(previous)
	return r, nil
}
