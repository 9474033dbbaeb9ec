package usage

import (
	"context"
	"fmt"
	"time"

	"github.com/sentei/sentei"
)

// unloggedReads are the handlers of Prometheus through which series are read
// without the query engine, so that no query log shows it.
const unloggedReads = `/federate|/api/v1/read|/api/v1/series|/api/v1/labels|/api/v1/label/:name/values`

// lookupsPerHour is how many lookups of names and labels are not worth a word:
// sentei's own are below that in an hour with one scan.
const lookupsPerHour = 500

// unlogged asks the server's metrics about itself whether somebody reads it in
// ways that no query log shows. It returns nothing when the server does not
// scrape itself, since then there is no telling.
func (s *rulesAPI) unlogged(ctx context.Context) []sentei.Problem {
	started, err := s.client.StartTime(ctx)
	if err != nil {
		s.env.Logger.Debug("readers beside the query engine are not known", "err", err)
		return nil
	}
	// Its own target is the one whose process is as old as the server.
	self := fmt.Sprintf("abs(process_start_time_seconds - %d) < 30", started.Unix())
	requests := func(rate, than string) map[string]float64 {
		expr := fmt.Sprintf("sum by (handler) (%s and on (job, instance) (%s)) > %s", rate, self, than)
		samples, _, err := s.client.Query(ctx, expr, time.Time{})
		if err != nil {
			s.env.Logger.Debug("readers beside the query engine are not known", "err", err)
		}
		found := make(map[string]float64, len(samples))
		for _, sample := range samples {
			found[sample.Labels.Get("handler")] = sample.Value
		}
		return found
	}
	selector := fmt.Sprintf("prometheus_http_requests_total{handler=~%q}", unloggedReads)
	total := requests(selector, "0")
	lastHour := requests("increase("+selector+"[1h])", fmt.Sprint(lookupsPerHour))

	var problems []sentei.Problem
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
