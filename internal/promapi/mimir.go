package promapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// ErrNoCardinality says that Mimir does not answer its cardinality API.
var ErrNoCardinality = errors.New("the cardinality API is off for the tenant, or not there at all: set -querier.cardinality-analysis-enabled (in the limits of the tenant, cardinality_analysis_enabled: true)")

// Cardinality is how the active series that a selector selects spread over the
// values of one label.
type Cardinality struct {
	// Tenant is the number of series of the tenant, whatever the selector.
	Tenant int64
	// Values is how many values there are, and Series how many series have
	// one of them.
	Values, Series int64
	// Top are the values with most series.
	Top []NameCount
}

// Complete reports whether Top holds every value.
func (c *Cardinality) Complete() bool {
	var sum int64
	for _, v := range c.Top {
		sum += v.Value
	}
	return int64(len(c.Top)) == c.Values && sum == c.Series
}

type cardinalityAnswer struct {
	envelope
	Tenant *int64 `json:"series_count_total"`
	Labels []struct {
		Name        string `json:"label_name"`
		Values      *int64 `json:"label_values_count"`
		Series      *int64 `json:"series_count"`
		Cardinality []struct {
			Value  string `json:"label_value"`
			Series int64  `json:"series_count"`
		} `json:"cardinality"`
	} `json:"labels"`
}

// decode reads the body, anew each time. The answer has neither status nor
// data, but an error may come with the status 200.
func (a *cardinalityAnswer) decode(body []byte) (*envelope, error) {
	*a = cardinalityAnswer{}
	if err := json.Unmarshal(body, a); err != nil {
		return &a.envelope, err
	}
	if a.Status == "" && a.Tenant != nil {
		a.Status = "success"
	}
	return &a.envelope, nil
}

// Cardinality asks Mimir how the active series that the selector selects (all
// when it is empty) spread over the values of the label. limit is how many
// values it may tell; Mimir refuses more than 500.
func (c *Client) Cardinality(ctx context.Context, label, selector string, limit int) (Cardinality, error) {
	params := url.Values{"label_names[]": {label}, "count_method": {"active"}, "limit": {strconv.Itoa(limit)}}
	if selector != "" {
		params.Set("selector", selector)
	}
	var a cardinalityAnswer
	if err := c.do(ctx, http.MethodPost, "/api/v1/cardinality/label_values", params, a.decode); err != nil {
		if e, ok := errors.AsType[*Error](err); ok {
			if strings.Contains(e.Message, "cardinality analysis is disabled") || errors.Is(err, ErrUnsupported) {
				err = fmt.Errorf("%w: %w", ErrNoCardinality, err)
			}
		}
		return Cardinality{}, wrap("read the cardinality of label "+label, err)
	}
	found := Cardinality{Tenant: *a.Tenant}
	switch {
	case len(a.Labels) == 0: // no series
		return found, nil
	case len(a.Labels) > 1 || a.Labels[0].Name != label || a.Labels[0].Values == nil || a.Labels[0].Series == nil:
		return Cardinality{}, fmt.Errorf("read the cardinality of label %s: the answer is not what the API promises: it is about other labels, or lacks counts", label)
	}
	l := a.Labels[0]
	found.Values, found.Series = *l.Values, *l.Series
	for _, v := range l.Cardinality {
		found.Top = append(found.Top, NameCount{Name: v.Value, Value: v.Series})
	}
	return found, nil
}
