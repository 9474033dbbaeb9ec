package analyzer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sentei/sentei"
)

// unseen returns the values of the second that the first, which knows all of
// its own, does not have.
func unseen(first, second *sentei.LabelStats) []sentei.LabelValue {
	same := func(a, b sentei.LabelValue) bool { return a.Value == b.Value }
	if slices.EqualFunc(first.Values, second.Values, same) { // as they mostly are
		return nil
	}
	known := make(map[string]bool, len(first.Values))
	for _, v := range first.Values {
		known[v.Value] = true
	}
	return slices.DeleteFunc(slices.Clone(second.Values), func(v sentei.LabelValue) bool { return known[v.Value] })
}

// hasMore reports whether the second has values that the first lacks, as far as
// the two tell.
func hasMore(first, second *sentei.LabelStats) bool {
	return second.Distinct > first.Distinct || first.Complete && len(unseen(first, second)) > 0
}

// lacks reports whether the second inventory knows series of the metric and job
// that the first does not.
func lacks(first, second *sentei.JobMetric) bool {
	if second.Cost.Series > first.Cost.SeriesInSpan {
		return true
	}
	if first.Labels == nil {
		return false
	}
	return slices.ContainsFunc(second.Labels, func(l sentei.LabelStats) bool {
		k := first.Label(l.Name)
		return k == nil || hasMore(k, &l)
	})
}

// eachJob calls f with every metric and job of the second inventory, and with
// the same of the first, or nil when the first does not have it.
func eachJob(first, second *sentei.Inventory, f func(metric string, a, b *sentei.JobMetric)) {
	at := make(map[string]*sentei.Metric, len(first.Metrics))
	for i := range first.Metrics {
		at[first.Metrics[i].Name] = &first.Metrics[i]
	}
	for i := range second.Metrics {
		m := &second.Metrics[i]
		for j := range m.Jobs {
			var a *sentei.JobMetric
			if known := at[m.Name]; known != nil {
				if k := slices.IndexFunc(known.Jobs, func(k sentei.JobMetric) bool { return k.Job == m.Jobs[j].Job }); k >= 0 {
					a = &known.Jobs[k]
				}
			}
			f(m.Name, a, &m.Jobs[j])
		}
	}
}

// overlap is how long an inventory must have looked before another one ended,
// so that what was live at that end must be in both: a sample at least every
// 5 minutes makes a series live.
const overlap = 30 * time.Minute

// serverProblems makes a blocking problem of two inventories that cannot be of
// one server: of some label, all values differ, though both know all of them
// and looked at the same time.
func serverProblems(c *collection) []sentei.Problem {
	var problems []sentei.Problem
	for n, second := range c.inventories {
		for _, first := range c.inventories[:n] {
			if first.To.Sub(second.From) < overlap || second.To.Sub(first.From) < overlap {
				continue
			}
			where := ""
			eachJob(first, second, func(metric string, a, b *sentei.JobMetric) {
				if a == nil || a.Cost.Series == 0 || b.Cost.Series == 0 || where != "" {
					return
				}
				for i := range b.Labels {
					l := &b.Labels[i]
					k := a.Label(l.Name)
					if k == nil || !k.Complete || !l.Complete || k.Series < a.Cost.SeriesInSpan || l.Series < b.Cost.SeriesInSpan ||
						len(k.Values) == 0 || len(unseen(k, l)) < len(l.Values) {
						continue
					}
					where = fmt.Sprintf("label %s of %s in job %q", l.Name, metric, b.Job)
					return
				}
			})
			if where == "" {
				continue
			}
			message := fmt.Sprintf("the inventory sources %s and %s seem to tell of two servers: they have no value in common", first.Source, second.Source)
			problems = append(problems, sentei.Problem{
				ID:      sentei.HashID("two servers", c.backend.Name, first.Source, second.Source),
				Backend: c.backend.Name, Source: second.Source, Where: where, Message: message, Blocking: true,
				Hint: "make each shard, replica and tenant a backend of its own; if they are of one server, accept the problem by its id",
			})
		}
	}
	return problems
}

// errOtherKnows is why a metric counts as one that cannot be listed.
var errOtherKnows = errors.New("another inventory source of the backend knows series of it that are not in the list")

// listing lists the series of one inventory, without metrics of which another
// inventory of the backend knows more.
type listing struct {
	sentei.SeriesReader
	lacking map[string]bool // metrics
}

// constantListing is a listing that reads samples.
type constantListing struct {
	listing
	constants sentei.ConstantReader
}

// seriesOf returns the reader of an inventory, as one of several.
func seriesOf(inv *sentei.Inventory, all []*sentei.Inventory) sentei.SeriesReader {
	lacking := map[string]bool{}
	for _, other := range all {
		if other == inv {
			continue
		}
		eachJob(inv, other, func(metric string, a, b *sentei.JobMetric) {
			if a == nil || lacks(a, b) {
				lacking[metric] = true
			}
		})
	}
	if len(lacking) == 0 {
		return inv.Series
	}
	l := listing{inv.Series, lacking}
	if c, ok := inv.Series.(sentei.ConstantReader); ok {
		return constantListing{l, c}
	}
	return l
}

// ReadSeries implements sentei.SeriesReader.
func (l listing) ReadSeries(ctx context.Context, metrics []string, f func(sentei.Series) error) error {
	var whole, lacking []string
	for _, m := range metrics {
		if l.lacking[m] {
			lacking = append(lacking, m)
		} else {
			whole = append(whole, m)
		}
	}
	err := l.SeriesReader.ReadSeries(ctx, whole, f)
	if len(lacking) == 0 {
		return err
	}
	unlisted := &sentei.UnlistedError{Metrics: lacking, Err: errOtherKnows}
	if some, ok := errors.AsType[*sentei.UnlistedError](err); ok {
		unlisted.Metrics, unlisted.Err = append(unlisted.Metrics, some.Metrics...), some.Err
	} else if err != nil {
		return err
	}
	slices.Sort(unlisted.Metrics)
	return unlisted
}

// ReadConstant implements sentei.ConstantReader.
func (l constantListing) ReadConstant(ctx context.Context, metric string, most int64) (sentei.Constant, error) {
	if l.lacking[metric] {
		return sentei.Constant{Unless: errOtherKnows.Error()}, nil
	}
	return l.constants.ReadConstant(ctx, metric, most)
}
