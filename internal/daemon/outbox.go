package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/sentei/sentei/exporters/metrics"
	"github.com/sentei/sentei/exporters/notify"
	"github.com/sentei/sentei/internal/store"
)

// Bounds of deliveries.
const (
	deliveryTimeout = 2 * time.Minute // of one try
	atOnce          = 4               // tries
	firstRetry      = time.Minute
	lastRetry       = 6 * time.Hour
	storeRetry      = time.Minute // after the store failed
)

// Deliver hands a message to a channel once.
func Deliver(ctx context.Context, c Channel, m *notify.Message) error {
	late := fmt.Errorf("it took longer than %s", deliveryTimeout)
	ctx, cancel := context.WithTimeoutCause(ctx, deliveryTimeout, late)
	defer cancel()
	err := c.Deliver(ctx, m)
	if err != nil && errors.Is(context.Cause(ctx), late) {
		return late
	}
	return err
}

// outbox delivers what waits in the store. Scans do not wait for it.
type outbox struct {
	box     *store.Store
	reports func() []*Scheduled // of the configuration in force
	metrics *metrics.Metrics
	logger  *slog.Logger
	now     func() time.Time
	random  func() float64 // 0 to 1
	wake    chan struct{}
}

// run delivers until ctx ends.
func (o *outbox) run(ctx context.Context) {
	for ctx.Err() == nil {
		next, err := o.pass(ctx)
		if err != nil && ctx.Err() == nil {
			o.logger.Error("deliver reports", "err", err)
			next = o.now().Add(storeRetry)
		}
		waitUntil(ctx, next, o.now, o.wake)
	}
}

// waitUntil waits until an instant, for ever when it is zero, or until
// somebody wakes it.
func waitUntil(ctx context.Context, at time.Time, now func() time.Time, wake <-chan struct{}) {
	var due <-chan time.Time
	if !at.IsZero() {
		timer := time.NewTimer(at.Sub(now()))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-ctx.Done():
	case <-due:
	case <-wake:
	}
}

// poke wakes somebody without waiting.
func poke(wake chan<- struct{}) {
	select {
	case wake <- struct{}{}:
	default: // it will look anyway
	}
}

// pass tries what is due and returns when to look again; zero stands for when
// something is queued.
func (o *outbox) pass(ctx context.Context) (next time.Time, err error) {
	waiting, err := o.box.WaitingDeliveries(ctx)
	if err != nil {
		return next, err
	}
	now := o.now()
	due := slices.DeleteFunc(slices.Clone(waiting), func(d store.Delivery) bool { return d.NextTry.After(now) })
	errs := make([]error, len(due))
	free := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for i := range due {
		free <- struct{}{}
		all.Go(func() {
			errs[i] = o.try(ctx, &due[i])
			<-free
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return next, err
	}
	if err := o.tell(ctx); err != nil {
		return next, err
	}
	waiting, err = o.box.WaitingDeliveries(ctx)
	if err != nil || len(waiting) == 0 {
		return next, err
	}
	return waiting[0].NextTry, nil
}

// tell brings the metrics up to date.
func (o *outbox) tell(ctx context.Context) error {
	known, err := o.box.DeliverySums(ctx)
	if err != nil {
		return err
	}
	var sums []metrics.DeliverySum
	for _, r := range o.reports() {
		for _, c := range r.Channels {
			s := metrics.DeliverySum{Report: r.Name, Channel: c.Name}
			for _, k := range known {
				if k.Report == r.Name && k.Channel == c.Name {
					s.Waiting, s.Failing, s.LastSuccess = k.Waiting, k.Failing, k.LastSuccess
				}
			}
			sums = append(sums, s)
		}
	}
	o.metrics.SetDeliveries(sums)
	return nil
}

// try tries a delivery once and keeps what came of it. The error is for a
// store that cannot.
func (o *outbox) try(ctx context.Context, d *store.Delivery) error {
	a, result := o.attempt(ctx, d)
	if ctx.Err() != nil && a.State != store.Delivered {
		return nil // it is tried again after the start
	}
	logger := o.logger.With("report", d.Report, "part", d.Part, "channel", d.Channel)
	switch a.State {
	case store.Delivered:
		logger.Info("delivered a report", "attempts", d.Attempts+1)
	case store.Waiting:
		logger.Warn("deliver a report; it is tried again", "at", a.Next, "attempts", d.Attempts+1, "err", a.Error)
	default:
		logger.Error("deliver a report; it is given up", "attempts", d.Attempts+1, "err", a.Error)
	}
	o.metrics.DeliveryTried(d.Report, d.Channel, result)
	// What has arrived must not be sent again because the daemon is stopped.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return o.box.Attempted(ctx, d.ID, a)
}

func (o *outbox) attempt(ctx context.Context, d *store.Delivery) (store.Attempt, metrics.DeliveryResult) {
	s, c, err := o.channel(d)
	if err == nil {
		err = o.hand(ctx, d, c)
	}
	now := o.now()
	a := store.Attempt{At: now, State: store.Delivered}
	if err == nil {
		return a, metrics.DeliveryDone
	}
	a.Error = err.Error()
	a.Next = now.Add(o.pause(d.Attempts, err))
	_, refused := errors.AsType[*notify.Refused](err)
	switch {
	case refused:
		a.State = store.GivenUp
	case a.Next.After(d.Queued.Add(s.GiveUpAfter)):
		a.State, a.Error = store.GivenUp, fmt.Sprintf("%s (tried for longer than give_up_after)", a.Error)
	default:
		a.State = store.Waiting
		return a, metrics.DeliveryFailed
	}
	return a, metrics.DeliveryGivenUp
}

// channel returns where the configuration in force delivers it.
func (o *outbox) channel(d *store.Delivery) (*Scheduled, Channel, error) {
	for _, s := range o.reports() {
		if s.Name == d.Report {
			if c, ok := s.channel(d.Channel); ok {
				return s, c, nil
			}
		}
	}
	return nil, Channel{}, &notify.Refused{Err: errors.New("the configuration has no such report or channel any more")}
}

// hand delivers the message that the store has.
func (o *outbox) hand(ctx context.Context, d *store.Delivery, c Channel) error {
	text, err := o.box.Message(ctx, d.ID)
	if err != nil {
		return err
	}
	var m notify.Message
	if err := json.Unmarshal(text, &m); err != nil {
		return &notify.Refused{Err: fmt.Errorf("read the message: %w", err)}
	}
	return Deliver(ctx, c, &m)
}

// pause is how long to wait after a try that failed: a minute, then twice as
// long each time up to six hours, give or take a fifth, and never less than the
// receiver asks for.
func (o *outbox) pause(attempts int, err error) time.Duration {
	d := lastRetry
	if attempts < 10 {
		d = min(lastRetry, firstRetry<<attempts)
	}
	d = time.Duration(float64(d) * (0.8 + 0.4*o.random()))
	if later, ok := errors.AsType[*notify.Later](err); ok {
		d = max(d, later.After)
	}
	return d
}
