package web

import (
	"context"
	"net/http"
	"time"

	"github.com/sentei/sentei/internal/store"
)

// A Schedule is a report that is delivered on a schedule.
type Schedule struct {
	Name     string    `json:"name"`
	Schedule string    `json:"schedule"`
	Next     time.Time `json:"next"`
	Channels []string  `json:"channels"`
}

// Deliveries tells of the reports that are delivered on schedules. Its methods
// may be called from any goroutine.
type Deliveries interface {
	// Schedules lists the reports of the configuration in force.
	Schedules() []Schedule
	// Deliveries returns the newest ones, at most so many, the newest first.
	Deliveries(ctx context.Context, most int) ([]store.Delivery, error)
}

// mostDeliveries is how many the page and the API show.
const mostDeliveries = 200

// A deliveryItem is a delivery in the API.
type deliveryItem struct {
	ID       int64     `json:"id"`
	Report   string    `json:"report"`
	Part     string    `json:"part,omitempty"`
	Channel  string    `json:"channel"`
	Key      string    `json:"key"`
	Title    string    `json:"title"`
	At       time.Time `json:"report_at"`
	Queued   time.Time `json:"queued"`
	State    string    `json:"state"`
	Attempts int       `json:"attempts"`
	LastTry  time.Time `json:"last_try,omitzero"`
	NextTry  time.Time `json:"next_try,omitzero"` // while it waits
	Done     time.Time `json:"done,omitzero"`
	Error    string    `json:"error,omitempty"`
}

// deliveries returns the schedules and what came of the last deliveries.
func (h *Handler) deliveries(ctx context.Context) (schedules []Schedule, items []deliveryItem, err error) {
	schedules, items = []Schedule{}, []deliveryItem{}
	if h.options.Deliveries == nil {
		return schedules, items, nil
	}
	schedules = append(schedules, h.options.Deliveries.Schedules()...)
	all, err := h.options.Deliveries.Deliveries(ctx, mostDeliveries)
	for _, d := range all {
		item := deliveryItem{
			d.ID, d.Report, d.Part, d.Channel, d.Key, d.Title, d.At, d.Queued, string(d.State), d.Attempts, d.LastTry, d.NextTry, d.Done, d.Error,
		}
		if d.State != store.Waiting {
			item.NextTry = time.Time{}
		}
		items = append(items, item)
	}
	return schedules, items, err
}

func (h *Handler) apiDeliveries(w http.ResponseWriter, req *http.Request) {
	schedules, items, err := h.deliveries(req.Context())
	if err != nil {
		h.internal(w, req, err)
		return
	}
	apiData(w, struct {
		Schedules  []Schedule     `json:"schedules"`
		Deliveries []deliveryItem `json:"deliveries"`
	}{schedules, items})
}

// reportsPage shows the schedules, what came of deliveries and the kept
// reports, also while there is no report yet.
func (h *Handler) reportsPage(w http.ResponseWriter, req *http.Request) {
	schedules, items, err := h.deliveries(req.Context())
	var kept []store.ReportInfo
	if err == nil {
		kept, err = h.reports(req.Context())
	}
	if err != nil {
		h.options.Logger.Error("make page", "path", req.URL.Path, "err", err)
		h.fail(w, req, http.StatusInternalServerError, err.Error())
		return
	}
	type row struct {
		store.ReportInfo
		Series   int64
		PerMonth float64
	}
	var rows []row
	for _, k := range kept {
		r := row{ReportInfo: k}
		for _, sum := range k.Verdicts {
			r.Series += sum.Series
			r.PerMonth += sum.PerMonth
		}
		rows = append(rows, r)
	}
	h.show(w, req, http.StatusOK, "ui-reports", "reports", "Reports", h.index(), struct {
		Schedules  []Schedule
		Deliveries []deliveryItem
		Kept       []row
	}{schedules, items, rows})
}
