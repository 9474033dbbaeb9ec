package usage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promapi"
)

// unloggedReads are the handlers of Prometheus through which series are read
// without the query engine, so that no query log shows it.
const unloggedReads = `/federate|/api/v1/read|/api/v1/series|/api/v1/labels|/api/v1/label/:name/values`

// lookupsPerHour is how many lookups of names and labels are not worth a word:
// sentei's own are below that in an hour with one scan.
const lookupsPerHour = 500

// unlogged asks the server's metrics about itself whether somebody reads it in
// ways that no query log shows. It returns nothing when the server does not
// scrape itself, or is of another make, since then there is no telling. When it
// could have told but failed to, that is a blocking problem.
func (s *rulesAPI) unlogged(ctx context.Context) []sentei.Problem {
	failed := func(err error) []sentei.Problem {
		if errors.Is(err, promapi.ErrUnsupported) {
			s.env.Logger.Debug("readers beside the query engine are not known", "err", err)
			return nil
		}
		return []sentei.Problem{s.env.Problem(sentei.Problem{
			Where:    s.client.URL(),
			Message:  "whether somebody reads through /federate or /api/v1/read could not be asked",
			Hint:     err.Error(),
			Blocking: true,
		})}
	}
	started, err := s.client.RuntimeInfo(ctx)
	if err != nil {
		return failed(err)
	}
	// Its own target is the one whose process is as old as the server.
	self := fmt.Sprintf("abs(process_start_time_seconds - %d) < 30", started.Start.Unix())
	requests := func(rate, than string) (map[string]float64, error) {
		expr := fmt.Sprintf("sum by (handler) (%s and on (job, instance) (%s)) > %s", rate, self, than)
		samples, warnings, err := s.client.Query(ctx, expr, time.Time{})
		if err == nil && len(warnings) > 0 {
			err = fmt.Errorf("the server warns: %s", strings.Join(warnings, "; "))
		}
		found := make(map[string]float64, len(samples))
		for _, sample := range samples {
			found[sample.Labels.Get("handler")] = sample.Value
		}
		return found, err
	}
	selector := fmt.Sprintf("prometheus_http_requests_total{handler=~%q}", unloggedReads)
	total, totalErr := requests(selector, "0")
	lastHour, lastHourErr := requests("increase("+selector+"[1h])", fmt.Sprint(lookupsPerHour))

	var problems []sentei.Problem
	if err := cmp.Or(totalErr, lastHourErr); err != nil {
		problems = failed(err)
	}
	for _, handler := range []string{"/federate", "/api/v1/read"} {
		if n := total[handler]; n > 0 {
			problems = append(problems, s.env.Problem(sentei.Problem{
				Where:    s.client.URL(),
				Message:  "somebody reads through " + handler + ", which no query log shows",
				Hint:     fmt.Sprintf("%.0f requests since the server started; declare what they read (usage source declared), then accept this problem by its id", n),
				Blocking: true,
			}))
		}
	}
	for _, handler := range []string{"/api/v1/series", "/api/v1/labels", "/api/v1/label/:name/values"} {
		if n := lastHour[handler]; n > 0 {
			problems = append(problems, s.env.Problem(sentei.Problem{
				Where:   s.client.URL(),
				Message: "somebody often looks up labels through " + handler + ", which no query log shows",
				Hint:    fmt.Sprintf("about %.0f requests in the last hour, sentei's own included; dashboards do so for their variables; if it is something else, declare what it reads (usage source declared), then accept this problem by its id", n),
			}))
		}
	}
	return problems
}
