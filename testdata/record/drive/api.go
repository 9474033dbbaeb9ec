package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"time"
)

// api is the HTTP API of a Prometheus.
type api struct{ server string }

// result is the data of a query's answer.
type result struct {
	Result []struct {
		Metric map[string]string `json:"metric"`
	} `json:"result"`
}

// query runs an instant query and returns how many series it found.
func (a *api) query(ctx context.Context, expr string, at time.Time) (int, error) {
	var found result
	err := a.post(ctx, "query", url.Values{"query": {expr}, "time": {seconds(at)}}, &found)
	return len(found.Result), err
}

// queryRange runs a range query, with both ends on the step as Grafana puts them, and returns how many
// series it found.
func (a *api) queryRange(ctx context.Context, expr string, start, end time.Time, step time.Duration) (int, error) {
	var found result
	err := a.post(ctx, "query_range", url.Values{
		"query": {expr},
		"start": {seconds(start.Truncate(step))},
		"end":   {seconds(end.Truncate(step))},
		"step":  {strconv.Itoa(int(step.Seconds()))},
	}, &found)
	return len(found.Result), err
}

// queryResult runs an instant query and returns its series as text, as Grafana's query_result does.
func (a *api) queryResult(ctx context.Context, expr string, at time.Time) ([]string, error) {
	var found result
	if err := a.post(ctx, "query", url.Values{"query": {expr}, "time": {seconds(at)}}, &found); err != nil {
		return nil, err
	}
	var lines []string
	for _, series := range found.Result {
		var labels []string
		for name, value := range series.Metric {
			labels = append(labels, fmt.Sprintf("%s=%q", name, value))
		}
		sort.Strings(labels)
		lines = append(lines, "{"+strings.Join(labels, ",")+"}")
	}
	sort.Strings(lines)
	return lines, nil
}

// labelValues returns the values of a label, of all series or of those that selector matches.
func (a *api) labelValues(ctx context.Context, selector, label string, start, end time.Time) ([]string, error) {
	form := url.Values{"start": {seconds(start)}, "end": {seconds(end)}}
	if selector != "" {
		form.Set("match[]", selector)
	}
	var found []string
	err := a.get(ctx, "label/"+label+"/values", form, &found)
	return found, err
}

func (a *api) post(ctx context.Context, path string, form url.Values, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, a.server+"/api/v1/"+path, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return do(request, into)
}

func (a *api) get(ctx context.Context, path string, form url.Values, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, a.server+"/api/v1/"+path+"?"+form.Encode(), nil)
	if err != nil {
		return err
	}
	return do(request, into)
}

// do sends the request and decodes the data of the answer.
func do(request *http.Request, into any) error {
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var answer struct {
		Error string          `json:"error"`
		Data  json.RawMessage `json:"data"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return fmt.Errorf("%s: %w", response.Status, err)
	}
	if answer.Error != "" {
		return fmt.Errorf("%s: %s", response.Status, answer.Error)
	}
	return json.Unmarshal(answer.Data, into)
}

func seconds(t time.Time) string {
	return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', -1, 64)
}
