package promapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// DayStatus is what VictoriaMetrics tells of the series of one UTC day, from
// its index.
type DayStatus struct {
	Series int64 `json:"totalSeries"`
	// SeriesByMetric are the metrics with most series.
	SeriesByMetric []NameCount `json:"seriesCountByMetricName"`
}

// Complete reports whether SeriesByMetric holds every metric.
func (s *DayStatus) Complete() bool {
	var sum int64
	for _, m := range s.SeriesByMetric {
		sum += m.Value
	}
	return sum == s.Series
}

// maxTopN is the most metrics that VictoriaMetrics lists, unless it is told
// otherwise (-search.maxTSDBStatusTopNSeries).
const maxTopN = 1000

// DayStatus reads what VictoriaMetrics has of the series that the selector
// selects (all when it is empty) on the UTC day, with the 1000 largest metrics.
// No data is read, so its metric names tracker does not count it.
func (c *Client) DayStatus(ctx context.Context, day time.Time, selector string) (DayStatus, []string, error) {
	params := url.Values{"topN": {strconv.Itoa(maxTopN)}, "date": {day.UTC().Format(time.DateOnly)}}
	if selector != "" {
		params.Set("match[]", selector)
	}
	status, warnings, err := post[struct {
		DayStatus
		Series *int64 `json:"totalSeries"`
	}](ctx, c, "/api/v1/status/tsdb", params)
	if err == nil && status.Series == nil {
		err = errors.New("the answer has no totalSeries: is this a VictoriaMetrics of version 1.60 or later?")
	}
	if err != nil {
		return DayStatus{}, warnings, wrap("read the status of "+day.UTC().Format(time.DateOnly), err)
	}
	status.DayStatus.Series = *status.Series
	return status.DayStatus, warnings, nil
}

// NamesStats is what the metric names tracker of VictoriaMetrics has seen.
type NamesStats struct {
	Since     int64       `json:"statsCollectedSince"` // Unix seconds
	MaxBytes  int64       `json:"trackerMemoryMaxSizeBytes"`
	UsedBytes int64       `json:"trackerCurrentMemoryUsageBytes"`
	Records   []NameStats `json:"records"`
}

// NameStats is how often queries fetched series of one metric.
type NameStats struct {
	Metric   string // its name
	Requests int64  // counted once for each fetched series
	Last     int64  // Unix seconds of the last request, 0 when there was none
}

// UnmarshalJSON implements json.Unmarshaler. The time of the last request has
// two names: the documented one and that of the servers.
func (s *NameStats) UnmarshalJSON(text []byte) error {
	var raw struct {
		Name     *string `json:"metricName"`
		Requests *int64  `json:"queryRequestsCount"`
		Last     int64   `json:"lastQueryRequestTimestamp"`
		LastDoc  int64   `json:"lastRequestTimestamp"`
	}
	if err := json.Unmarshal(text, &raw); err != nil {
		return err
	}
	if raw.Name == nil || raw.Requests == nil {
		return fmt.Errorf("record %s has no metricName or no queryRequestsCount", text)
	}
	*s = NameStats{Metric: *raw.Name, Requests: *raw.Requests, Last: max(raw.Last, raw.LastDoc)}
	return nil
}

// namesAnswer has no data of its own: everything stands beside the status.
type namesAnswer struct {
	envelope
	NamesStats
	Since *int64 `json:"statsCollectedSince"`
}

// decode reads the body, anew each time.
func (a *namesAnswer) decode(body []byte) (*envelope, error) {
	*a = namesAnswer{}
	err := json.Unmarshal(body, a)
	if err == nil && a.Status == "success" && a.Since == nil {
		err = errors.New("it has no statsCollectedSince")
	}
	if err == nil && a.Status == "success" && a.Records == nil {
		err = errors.New("it has no records")
	}
	return &a.envelope, err
}

// NamesStats reads the metric names tracker of VictoriaMetrics, at most limit
// metrics of it.
func (c *Client) NamesStats(ctx context.Context, limit int) (NamesStats, []string, error) {
	var a namesAnswer
	params := url.Values{"limit": {strconv.Itoa(limit)}}
	if err := c.do(ctx, http.MethodGet, "/api/v1/status/metric_names_stats", params, a.decode); err != nil {
		return NamesStats{}, nil, wrap("read the metric names tracker", err)
	}
	a.NamesStats.Since = *a.Since
	return a.NamesStats, a.doubts(), nil
}

// probed is how many values AllLabelValues leaves out when it asks again.
const probed = 10

// AllLabelValues is LabelValues for servers that cut the list without a word,
// as VictoriaMetrics does (-search.maxTagValues). It asks again for the values
// beside the first few: a list that was cut lets others move up. A list
// that may be incomplete is an error.
func (c *Client) AllLabelValues(ctx context.Context, label string, matchers []string, start, end time.Time) ([]string, error) {
	selector := ""
	if len(matchers) > 0 {
		selector = "{" + strings.Join(matchers, ",") + "}"
	}
	values, warnings, err := c.LabelValues(ctx, label, selector, start, end)
	if err == nil && len(warnings) > 0 {
		err = fmt.Errorf("values of label %s: the server warns: %s", label, strings.Join(warnings, "; "))
	}
	if err != nil || len(values) == 0 {
		return nil, err
	}
	known := values[:min(probed, len(values))]
	quoted := make([]string, len(known))
	for i, v := range known {
		quoted[i] = regexp.QuoteMeta(v)
	}
	beside := append(slices.Clone(matchers), QuoteLabel(label)+"!~"+strconv.Quote(strings.Join(quoted, "|")))
	if label != "__name__" {
		beside = append(beside, QuoteLabel(label)+`!=""`)
	}
	rest, _, err := c.LabelValues(ctx, label, "{"+strings.Join(beside, ",")+"}", start, end)
	if err != nil {
		return nil, err
	}
	if len(rest) > len(values)-len(known) {
		return nil, fmt.Errorf("the server cuts its list of values of label %s at %d: raise its limit (-search.maxTagValues)", label, len(values))
	}
	return values, nil
}
