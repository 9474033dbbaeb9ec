package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/exporters/metrics"
	"github.com/sentei/sentei/exporters/notify"
	"github.com/sentei/sentei/exporters/report"
	"github.com/sentei/sentei/internal/config"
	"github.com/sentei/sentei/internal/reporttest"
	"github.com/sentei/sentei/internal/store"
)

// A receiver takes messages, or answers as it is told.
type receiver struct {
	mu     sync.Mutex
	got    []string // instants and titles of those taken
	bodies []notify.Message
	tries  []time.Time
	answer func(context.Context) error
}

func (r *receiver) Deliver(ctx context.Context, m *notify.Message) error {
	r.mu.Lock()
	r.tries = append(r.tries, time.Now())
	answer := r.answer
	r.mu.Unlock()
	if answer != nil {
		if err := answer(ctx); err != nil {
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	title, _, _ := strings.Cut(m.Title, ":")
	r.got = append(r.got, time.Now().UTC().Format("02 15:04 ")+title)
	r.bodies = append(r.bodies, *m)
	return nil
}

// bench is a scheduler with its outbox.
type bench struct {
	*scheduler
	out      *outbox
	mu       sync.Mutex
	last     *sentei.Report
	reports  []*Scheduled
	registry *prometheus.Registry
}

func newBench(t *testing.T, box *store.Store, reports ...*Scheduled) *bench {
	t.Helper()
	b := &bench{reports: reports, last: aged(0), registry: prometheus.NewRegistry()}
	m, err := metrics.New(b.registry, metrics.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := config.Default()
	c.Scan.Schedule = "@hourly"
	logger := slog.New(slog.DiscardHandler)
	b.out = &outbox{
		box: box, reports: func() []*Scheduled { return b.reports }, metrics: m, logger: logger, now: time.Now,
		random: func() float64 { return 0.5 }, wake: make(chan struct{}, 1),
	}
	b.scheduler = &scheduler{
		box: box, current: func() (*config.Config, []*Scheduled) { return &c, b.reports },
		report: func(context.Context) *sentei.Report { b.mu.Lock(); defer b.mu.Unlock(); return b.last },
		logger: logger, now: time.Now, wake: make(chan struct{}, 1), queued: func() { poke(b.out.wake) },
	}
	return b
}

// aged returns a small report of so long after the first of January 2000 with
// one more series for every hour.
func aged(age time.Duration) *sentei.Report {
	r := reporttest.Report().OfBackends("edge")
	r.At = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(age)
	r.Metrics[0].Jobs = slices.Clone(r.Metrics[0].Jobs)
	r.Metrics[0].Jobs[0].Cost.Series += int64(age.Hours())
	r.Metrics[0].Cost = r.Metrics[0].Metric.Cost()
	return r
}

func (b *bench) scanned(age time.Duration) {
	b.mu.Lock()
	b.last = aged(age)
	b.mu.Unlock()
	poke(b.scheduler.wake)
}

// start runs both until stop is called.
func (b *bench) start(t *testing.T) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { b.scheduler.run(ctx) })
	all.Go(func() { b.out.run(ctx) })
	return func() { cancel(); all.Wait() }
}

func scheduledAt(t *testing.T, name, schedule string, channels ...notify.Channel) *Scheduled {
	t.Helper()
	s := &Scheduled{Report: config.Report{Name: name, Schedule: schedule, GiveUpAfter: 3 * 24 * time.Hour}}
	var err error
	if s.schedule, err = config.ParseSchedule("CRON_TZ=UTC " + schedule); err != nil {
		t.Fatal(err)
	}
	f, err := report.ByName("csv")
	if err != nil {
		t.Fatal(err)
	}
	s.formats = []report.Format{f}
	for i, c := range channels {
		s.Channels = append(s.Channels, Channel{Name: fmt.Sprint("channel", i), Channel: c})
	}
	return s
}

func memory(t *testing.T) *store.Store {
	t.Helper()
	box, err := store.OpenMemory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return box
}

func closed(t *testing.T, box *store.Store) {
	t.Helper()
	if err := box.Close(); err != nil {
		t.Error(err)
	}
}

func wantGot(t *testing.T, r *receiver, want ...string) {
	t.Helper()
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	if d := cmp.Diff(want, r.got); d != "" {
		t.Errorf("delivered (-want +got):\n%s", d)
	}
}

func TestReportsComeOnSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := memory(t)
		defer closed(t, box)
		daily, weekly := &receiver{}, &receiver{}
		b := newBench(t, box, scheduledAt(t, "daily", "0 7 * * *", daily), scheduledAt(t, "weekly", "0 9 * * 1", weekly))
		defer b.start(t)()
		time.Sleep(36 * time.Hour) // until 2 January 12:00, a Sunday
		b.scanned(36 * time.Hour)
		time.Sleep(24 * time.Hour)
		wantGot(t, daily, "01 07:00 daily", "02 07:00 daily", "03 07:00 daily")
		wantGot(t, weekly, "03 09:00 weekly")
		for i, want := range []string{"This is the first report", "No metric has changed.", "grew by 36 series"} {
			if text := daily.bodies[i].Text; !strings.Contains(text, want) {
				t.Errorf("message %d does not say %q:\n%s", i, want, text)
			}
		}
		if text := daily.bodies[2].Text; !strings.HasPrefix(text, "This is as of 2000-01-02 12:00 UTC, 19h before it was due") {
			t.Errorf("the age of the report is not told:\n%s", text)
		}
		if g := daily.bodies[2].Facts.SeriesGrowth; g == nil || *g != 36 {
			t.Errorf("growth %v", g)
		}
	})
}

// TestEveryCountsFromTheLast wants pauses longer than catchUp to end, and scans
// in between to change nothing.
func TestEveryCountsFromTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := memory(t)
		defer closed(t, box)
		scanned, quiet := &receiver{}, &receiver{}
		b := newBench(t, box, scheduledAt(t, "scanned", "@every 36h", scanned))
		stop := b.start(t)
		for age := range 80 { // until 4 January 08:00
			time.Sleep(time.Hour)
			b.scanned(time.Duration(age) * time.Hour)
		}
		synctest.Wait()
		stop()
		wantGot(t, scanned, "02 12:00 scanned", "04 00:00 scanned")
		b = newBench(t, box, scheduledAt(t, "quiet", "@every 36h", quiet))
		defer b.start(t)()
		time.Sleep(73 * time.Hour)
		wantGot(t, quiet, "05 20:00 quiet", "07 08:00 quiet")
	})
}

func TestOnlyChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := memory(t)
		defer closed(t, box)
		r := &receiver{}
		s := scheduledAt(t, "daily", "0 7 * * *", r)
		s.OnlyChanges = true
		b := newBench(t, box, s)
		defer b.start(t)()
		time.Sleep(3 * 24 * time.Hour)
		b.scanned(40 * time.Hour)
		time.Sleep(2 * 24 * time.Hour)
		wantGot(t, r, "01 07:00 daily", "04 07:00 daily")
	})
}

func TestParts(t *testing.T) {
	r := reporttest.Report()
	texts := func(s *Scheduled) (out []string) {
		for _, p := range s.Parts(r) {
			part := p.Of(r)
			out = append(out, fmt.Sprintf("%s: %d metrics", p.Name, len(part.Metrics)))
		}
		return out
	}
	for name, c := range map[string]struct {
		report config.Report
		want   []string
	}{
		"all":               {config.Report{}, []string{": 36 metrics"}},
		"one backend":       {config.Report{Backends: []string{"edge"}}, []string{": 6 metrics"}},
		"each backend":      {config.Report{Split: config.SplitBackend}, []string{"backend edge: 6 metrics", "backend prod: 30 metrics"}},
		"named owners":      {config.Report{Split: config.SplitOwner, Owners: []string{"databases", "left"}}, []string{"owner databases: 2 metrics", "owner left: 0 metrics"}},
		"owners of backend": {config.Report{Split: config.SplitOwner, Backends: []string{"edge"}}, []string{"owner (nobody): 1 metrics", "owner (not known): 2 metrics", "owner platform: 4 metrics"}},
	} {
		if d := cmp.Diff(c.want, texts(&Scheduled{Report: c.report})); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// TestMissedReports wants what was due while the daemon was down made once,
// after the first scan, if it is younger than a day.
func TestMissedReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := memory(t)
		defer closed(t, box)
		daily, weekly := &receiver{}, &receiver{}
		reports := []*Scheduled{scheduledAt(t, "daily", "0 7 * * *", daily), scheduledAt(t, "weekly", "0 9 * * 1", weekly)}
		stop := newBench(t, box, reports...).start(t)
		time.Sleep(8 * time.Hour)
		synctest.Wait()
		stop()
		time.Sleep(5*24*time.Hour + 12*time.Hour) // until 6 January 20:00, a Thursday
		b := newBench(t, box, reports...)
		var log strings.Builder
		b.scheduler.logger = slog.New(slog.NewTextHandler(&log, nil))
		b.last = nil
		defer func() {
			if n := strings.Count(log.String(), "too old to be made"); n != 1 || !strings.Contains(log.String(), "report=weekly due=2000-01-03T09:00:00.000Z") {
				t.Errorf("what was missed is told %d times:\n%s", n, log.String())
			}
		}()
		defer b.start(t)()
		time.Sleep(time.Hour)
		wantGot(t, daily, "01 07:00 daily")
		b.scanned(140 * time.Hour)
		time.Sleep(time.Minute)
		wantGot(t, daily, "01 07:00 daily", "06 21:00 daily")
		wantGot(t, weekly) // was due on Monday
		time.Sleep(24 * time.Hour)
		wantGot(t, daily, "01 07:00 daily", "06 21:00 daily", "07 07:00 daily")
	})
}

var errDown = errors.New("503 Service Unavailable")

func down(context.Context) error { return errDown }

func states(t *testing.T, box *store.Store) []string {
	t.Helper()
	all, err := box.Deliveries(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, d := range slices.Backward(all) {
		out = append(out, fmt.Sprintf("%s %s, %d attempts, %s", d.Channel, d.State, d.Attempts, d.Error))
	}
	return out
}

func wantStates(t *testing.T, box *store.Store, want ...string) {
	t.Helper()
	synctest.Wait()
	if d := cmp.Diff(want, states(t, box)); d != "" {
		t.Errorf("deliveries (-want +got):\n%s", d)
	}
}

// TestRetries wants longer and longer pauses, and that it ends.
func TestRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := memory(t)
		defer closed(t, box)
		r, other := &receiver{answer: down}, &receiver{}
		b := newBench(t, box, scheduledAt(t, "yearly", "0 7 1 1 *", r, other))
		defer b.start(t)()
		time.Sleep(30 * 24 * time.Hour)
		wantGot(t, other, "01 07:00 yearly") // does not suffer
		wantStates(t, box, "channel0 given up, 20 attempts, 503 Service Unavailable (tried for longer than give_up_after)", "channel1 delivered, 1 attempts, ")
		var pauses []string
		for i := range len(r.tries) - 1 {
			pauses = append(pauses, r.tries[i+1].Sub(r.tries[i]).String())
		}
		if got := strings.Join(pauses[:11], " "); got != "1m0s 2m0s 4m0s 8m0s 16m0s 32m0s 1h4m0s 2h8m0s 4h16m0s 6h0m0s 6h0m0s" {
			t.Errorf("pauses %s", got)
		}
		if got := value(t, b.registry, "sentei_deliveries_failing", "channel0"); got != 1 {
			t.Errorf("%v are failing", got)
		}
	})
}

// value returns a metric of a channel.
func value(t *testing.T, registry *prometheus.Registry, name, channel string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.Metric {
			if f.GetName() == name && m.Label[0].GetValue() == channel {
				return m.GetGauge().GetValue()
			}
		}
	}
	t.Errorf("no %s of %s", name, channel)
	return 0
}

func TestJitter(t *testing.T) {
	random := 0.0
	o := outbox{random: func() float64 { return random }}
	if got := o.pause(0, errDown); got != 48*time.Second {
		t.Error(got)
	}
	random = 1
	if got := o.pause(50, errDown); got != 7*time.Hour+12*time.Minute {
		t.Error(got)
	}
}

func TestAnswersOfReceivers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := memory(t)
		defer closed(t, box)
		refuses := &receiver{answer: func(context.Context) error { return fmt.Errorf("post: %w", &notify.Refused{Err: errors.New("404")}) }}
		asks := &receiver{answer: func(context.Context) error { return &notify.Later{Err: errors.New("429"), After: 10 * time.Hour} }}
		hangs := &receiver{answer: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}
		b := newBench(t, box, scheduledAt(t, "yearly", "0 7 1 1 *", refuses, asks, hangs))
		defer b.start(t)()
		time.Sleep(9 * time.Hour)
		wantStates(t, box, "channel0 given up, 1 attempts, post: 404", "channel1 waiting, 1 attempts, 429", "channel2 waiting, 7 attempts, it took longer than 2m0s")
		asks.mu.Lock()
		asks.answer = nil
		asks.mu.Unlock()
		time.Sleep(10 * time.Hour)
		wantGot(t, asks, "01 17:00 yearly")
	})
}

// TestNewerReplacesWaiting wants only the newest message delivered after a
// long failure, with what changed since the last that arrived anywhere.
func TestNewerReplacesWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := memory(t)
		defer closed(t, box)
		r := &receiver{}
		b := newBench(t, box, scheduledAt(t, "daily", "0 7 * * *", r))
		defer b.start(t)()
		time.Sleep(8 * time.Hour)
		r.mu.Lock()
		r.answer = down
		r.mu.Unlock()
		for i := range 3 {
			b.scanned(time.Duration(8+24*i) * time.Hour)
			time.Sleep(24 * time.Hour)
		}
		wantStates(t, box, "channel0 delivered, 1 attempts, ", "channel0 replaced, 12 attempts, 503 Service Unavailable", "channel0 replaced, 12 attempts, 503 Service Unavailable", "channel0 waiting, 6 attempts, 503 Service Unavailable")
		r.mu.Lock()
		r.answer = nil
		r.mu.Unlock()
		time.Sleep(6 * time.Hour)
		wantGot(t, r, "01 07:00 daily", "04 08:03 daily")
		if text := r.bodies[1].Text; !strings.Contains(text, "grew by 56 series") || !strings.Contains(text, "since 2000-01-01 00:00 UTC") {
			t.Error(text)
		}
	})
}

// TestAfterARestart wants what waited delivered, and what the configuration no
// longer has given up.
func TestAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := memory(t)
		defer closed(t, box)
		r := &receiver{answer: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}
		stop := newBench(t, box, scheduledAt(t, "yearly", "0 7 1 1 *", r, r)).start(t)
		time.Sleep(7*time.Hour + time.Minute)
		stop() // while it is being delivered
		wantStates(t, box, "channel0 waiting, 0 attempts, ", "channel1 waiting, 0 attempts, ")
		time.Sleep(10 * 24 * time.Hour)
		r.answer = nil
		defer newBench(t, box, scheduledAt(t, "yearly", "0 7 1 1 *", r)).start(t)()
		wantGot(t, r, "11 07:01 yearly")
		wantStates(t, box, "channel0 delivered, 1 attempts, ", "channel1 given up, 1 attempts, the configuration has no such report or channel any more")
	})
}
