package inventory

import (
	"context"
	"fmt"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei/internal/promapi"
)

// spend takes n series out of those that the scan may touch. It returns an
// error when they are too many for what is left. Requests that run at the same
// time cannot spend the same series.
func (s *prometheusScan) spend(n int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.touched+n > s.MaxSeriesPerScan {
		return fmt.Errorf("the scan would touch more series than max_series_per_scan (%d)", s.MaxSeriesPerScan)
	}
	s.touched += n
	return nil
}

// settle corrects what was spent on a guess once it is known. What a failed
// request has spent stays so: the server did the work.
func (s *prometheusScan) settle(guess, known int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.touched += known - guess
}

// countQuery asks a query that counts series, about guess of them.
func (s *prometheusScan) countQuery(ctx context.Context, expr string, guess int64) ([]promapi.Sample, error) {
	if err := s.spend(guess); err != nil {
		return nil, err
	}
	samples, warnings, err := s.client.Query(ctx, expr, s.to)
	if err != nil {
		return nil, err
	}
	var known int64
	for _, sample := range samples {
		known += int64(sample.Value)
	}
	s.settle(guess, known)
	s.warned(warnings)
	return samples, nil
}

// liveSeries asks which of the series that a selector selects are active,
// about guess of them.
func (s *prometheusScan) liveSeries(ctx context.Context, selector string, guess int64) ([]promapi.Sample, []string, error) {
	if err := s.spend(guess); err != nil {
		return nil, nil, err
	}
	samples, warnings, err := s.client.Query(ctx, selector, s.to)
	if err == nil {
		s.settle(guess, int64(len(samples)))
	}
	return samples, warnings, err
}

// labelSets asks for the label sets that a selector selects, about guess of
// them: at most one more than MaxSeriesPerQuery, where the server knows limits.
func (s *prometheusScan) labelSets(ctx context.Context, selector string, guess int64) ([]labels.Labels, []string, error) {
	if err := s.spend(guess); err != nil {
		return nil, nil, err
	}
	series, warnings, err := s.client.Series(ctx, selector, s.from, s.to, s.MaxSeriesPerQuery+1)
	if err == nil {
		s.settle(guess, int64(len(series)))
	}
	return series, warnings, err
}
