package promapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei/internal/querylog"
)

// Sample is one element of an instant vector.
type Sample struct {
	Labels labels.Labels
	Value  float64 // 0 for a native histogram
}

// Query evaluates an expression at one instant. A scalar is returned as one
// sample without labels. Warnings say that the result may be incomplete.
func (c *Client) Query(ctx context.Context, expr string, at time.Time) ([]Sample, []string, error) {
	params := ownQuery(expr)
	if !at.IsZero() {
		params.Set("time", formatTime(at))
	}
	result, warnings, err := post[queryResult](ctx, c, "/api/v1/query", params)
	if err != nil {
		return nil, warnings, fmt.Errorf("query %s: %w", shorten(expr), err)
	}
	return result.samples, warnings, nil
}

// ownQuery returns the parameter of a query that query logs know as sentei's.
func ownQuery(expr string) url.Values {
	return url.Values{"query": {expr + " " + querylog.OwnMarker}}
}

// shorten keeps errors readable and stable to look at: sharded queries may
// name thousands of metrics.
func shorten(expr string) string { return excerpt([]byte(expr)) }

// Now returns the server's own time, in whole milliseconds. How long the
// server takes to tell it is what it is measured by from then on: it gets fewer
// requests at once while the same question takes it much longer.
func (c *Client) Now(ctx context.Context) (time.Time, error) {
	start := time.Now()
	samples, _, err := c.Query(ctx, probeQuery, time.Time{})
	if err == nil {
		c.limiter.probed(time.Since(start))
	}
	if err != nil {
		return time.Time{}, err
	}
	if len(samples) != 1 {
		return time.Time{}, fmt.Errorf("query time(): %d values instead of one", len(samples))
	}
	return time.UnixMilli(int64(samples[0].Value * 1000)).UTC(), nil
}

// Series returns the label sets that the selectors select between start and
// end, at most limit of them (0: no limit) where the server knows limits. The
// server tells them by its index, so that series may be among them that ended
// up to three hours before start.
func (c *Client) Series(ctx context.Context, selector string, start, end time.Time, limit int) ([]labels.Labels, []string, error) {
	params := span(start, end)
	params.Set("match[]", selector)
	if limit > 0 {
		params.Set("limit", strconv.Itoa(limit))
	}
	series, warnings, err := post[[]labels.Labels](ctx, c, "/api/v1/series", params)
	if err != nil {
		return nil, warnings, fmt.Errorf("read series of %s: %w", shorten(selector), err)
	}
	return series, warnings, nil
}

// LabelNames returns the names of the labels, between start and end, of the
// series that the selector selects, sorted.
func (c *Client) LabelNames(ctx context.Context, selector string, start, end time.Time) ([]string, []string, error) {
	params := span(start, end)
	params.Set("match[]", selector)
	names, warnings, err := post[[]string](ctx, c, "/api/v1/labels", params)
	if err != nil {
		return nil, warnings, fmt.Errorf("read label names of %s: %w", shorten(selector), err)
	}
	return names, warnings, nil
}

// LabelValues returns the values of a label between start and end, sorted, of
// the series that the selector selects; of all when it is empty.
func (c *Client) LabelValues(ctx context.Context, label, selector string, start, end time.Time) ([]string, []string, error) {
	params := span(start, end)
	if selector != "" {
		params.Set("match[]", selector)
	}
	values, warnings, err := get[[]string](ctx, c, "/api/v1/label/"+url.PathEscape(label)+"/values", params)
	if err != nil {
		return nil, warnings, fmt.Errorf("read values of label %s: %w", label, err)
	}
	return values, warnings, nil
}

// QuoteLabel returns the name of a label as it stands in a selector.
func QuoteLabel(name string) string {
	if model.LegacyValidation.IsValidLabelName(name) {
		return name
	}
	return strconv.Quote(name)
}

func span(start, end time.Time) url.Values {
	return url.Values{"start": {formatTime(start)}, "end": {formatTime(end)}}
}

// formatTime returns seconds with milliseconds, the resolution of the server.
func formatTime(t time.Time) string {
	return fmt.Sprintf("%d.%03d", t.UnixMilli()/1000, t.UnixMilli()%1000)
}

// queryResult is the data of a query: a vector or a scalar.
type queryResult struct{ samples []Sample }

// UnmarshalJSON implements json.Unmarshaler.
func (q *queryResult) UnmarshalJSON(text []byte) error {
	var raw struct {
		Type   string          `json:"resultType"`
		Result json.RawMessage `json:"result"`
	}
	if err := json.Unmarshal(text, &raw); err != nil {
		return err
	}
	switch raw.Type {
	case "vector":
		if len(raw.Result) == 0 {
			return errors.New("it has no result")
		}
		var vector []struct {
			Metric labels.Labels `json:"metric"`
			Value  *point        `json:"value"`
		}
		if err := json.Unmarshal(raw.Result, &vector); err != nil {
			return err
		}
		q.samples = make([]Sample, len(vector))
		for i, s := range vector {
			q.samples[i].Labels = s.Metric
			if s.Value != nil {
				q.samples[i].Value = float64(*s.Value)
			}
		}
		return nil
	case "scalar":
		var value point
		err := json.Unmarshal(raw.Result, &value)
		q.samples = []Sample{{Value: float64(value)}}
		return err
	}
	return fmt.Errorf("result type %q instead of a vector", raw.Type)
}

// point is the value in [time, "value"].
type point float64

// UnmarshalJSON implements json.Unmarshaler.
func (p *point) UnmarshalJSON(text []byte) error {
	var pair [2]any
	if err := json.Unmarshal(text, &pair); err != nil {
		return err
	}
	s, ok := pair[1].(string)
	if !ok {
		return fmt.Errorf("sample %s is not a time and a value", text)
	}
	value, err := strconv.ParseFloat(s, 64)
	*p = point(value)
	return err
}
