package store

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei"
)

// everyStore runs a test on a store on disk and on one in memory.
func everyStore(t *testing.T, test func(*testing.T, *Store)) {
	for name, open := range map[string]func(*testing.T) (*Store, error){
		"disk":   func(t *testing.T) (*Store, error) { return Open(t.Context(), t.TempDir()+"/sentei.db") },
		"memory": func(t *testing.T) (*Store, error) { return OpenMemory(t.Context()) },
	} {
		t.Run(name, func(t *testing.T) {
			s, err := open(t)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
			test(t, s)
		})
	}
}

var monday = time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)

func queued(report, part, channel, key string, at time.Time) Queued {
	return Queued{Report: report, Part: part, Channel: channel, Key: key, Title: "title of " + key, At: at, Message: []byte("message " + key)}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestDeliveries(t *testing.T) {
	everyStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		must(t, s.Queue(ctx, "weekly", monday, monday, []Queued{
			queued("weekly", "owner a", "slack", "k1", monday), queued("weekly", "owner a", "files", "k1", monday), queued("weekly", "owner b", "slack", "k2", monday),
		}))
		waiting, err := s.WaitingDeliveries(ctx)
		must(t, err)
		if len(waiting) != 3 || waiting[0].Key != "k1" || waiting[0].State != Waiting || !waiting[0].NextTry.Equal(monday) {
			t.Fatalf("%+v", waiting)
		}
		// A failure waits on with its message, a success does not.
		must(t, s.Attempted(ctx, waiting[0].ID, Attempt{At: monday.Add(time.Second), State: Waiting, Next: monday.Add(time.Minute), Error: "503"}))
		must(t, s.Attempted(ctx, waiting[1].ID, Attempt{At: monday.Add(time.Second), State: Delivered}))
		if text, err := s.Message(ctx, waiting[0].ID); err != nil || string(text) != "message k1" {
			t.Errorf("%q, %v", text, err)
		}
		if _, err := s.Message(ctx, waiting[1].ID); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
		// A newer message takes the place of one that waits, of its series alone.
		later := monday.Add(7 * 24 * time.Hour)
		must(t, s.Queue(ctx, "weekly", later, later, []Queued{queued("weekly", "owner a", "slack", "k3", later)}))
		all, err := s.Deliveries(ctx, 10)
		must(t, err)
		var got []string
		for _, d := range all {
			got = append(got, d.Key+" "+d.Channel+" "+string(d.State)+" "+d.Error)
		}
		if d := cmp.Diff([]string{"k3 slack waiting ", "k2 slack waiting ", "k1 files delivered ", "k1 slack replaced 503"}, got); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		// What was replaced while it was tried stays so, unless it has arrived.
		must(t, s.Attempted(ctx, waiting[0].ID, Attempt{At: later, State: Waiting, Next: later, Error: "503"}))
		if all, _ = s.Deliveries(ctx, 10); all[3].State != Replaced || all[3].Attempts != 1 {
			t.Errorf("%+v", all[3])
		}
		must(t, s.Attempted(ctx, waiting[0].ID, Attempt{At: later, State: Delivered}))
		must(t, s.Attempted(ctx, waiting[2].ID, Attempt{At: later, State: GivenUp, Error: "404"}))
		must(t, s.Queue(ctx, "other", monday, monday, []Queued{queued("other", "", "slack", "k4", monday)}))
		waiting, err = s.WaitingDeliveries(ctx)
		must(t, err)
		must(t, s.Attempted(ctx, waiting[0].ID, Attempt{At: later, State: GivenUp, Error: "404"}))
		sums, err := s.DeliverySums(ctx)
		must(t, err)
		if d := cmp.Diff([]DeliverySum{
			{"other", "slack", 0, 1, time.Time{}},
			{"weekly", "files", 0, 0, monday.Add(time.Second)},
			{"weekly", "slack", 1, 0, later}, // what was given up before the last time does not count
		}, sums); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		due, err := s.Due(ctx)
		must(t, err)
		if d := cmp.Diff(map[string]time.Time{"weekly": later, "other": monday}, due); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		must(t, s.SetDue(ctx, "weekly", monday)) // never back
		must(t, s.SetDue(ctx, "daily", monday))
		due, err = s.Due(ctx)
		must(t, err)
		if d := cmp.Diff(map[string]time.Time{"weekly": later, "other": monday, "daily": monday}, due); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	})
}

// TestLastDelivered wants the report of the last delivery, and that it is kept
// however old it is.
func TestLastDelivered(t *testing.T) {
	everyStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		if _, err := s.LastDelivered(ctx, "weekly", ""); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
		for i := range 4 {
			at := monday.Add(time.Duration(i) * time.Hour)
			_, err := s.SaveReport(ctx, &sentei.Report{Version: sentei.ReportVersion, At: at})
			must(t, err)
			must(t, s.Queue(ctx, "weekly", at, at, []Queued{queued("weekly", "", "slack", at.String(), at)}))
			if i < 2 { // the last ones fail
				waiting, err := s.WaitingDeliveries(ctx)
				must(t, err)
				must(t, s.Attempted(ctx, waiting[0].ID, Attempt{At: at, State: Delivered}))
			}
		}
		r, err := s.LastDelivered(ctx, "weekly", "")
		if err != nil || !r.At.Equal(monday.Add(time.Hour)) {
			t.Fatalf("%+v, %v", r, err)
		}
		if _, err := s.LastDelivered(ctx, "weekly", "owner a"); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
		_, err = s.Prune(ctx, monday.Add(1000*time.Hour), time.Hour)
		must(t, err)
		kept, err := s.Reports(ctx)
		must(t, err)
		var got []int
		for _, k := range slices.Backward(kept) {
			got = append(got, int(k.At.Sub(monday).Hours()))
		}
		if d := cmp.Diff([]int{1, 3}, got); d != "" { // compared with next, and waiting
			t.Errorf("kept (-want +got):\n%s", d)
		}
		if has, err := s.Has(ctx, monday); has || err != nil {
			t.Error(has, err)
		}
		if has, err := s.Has(ctx, monday.Add(time.Hour)); !has || err != nil {
			t.Error(has, err)
		}
		// What came of old deliveries is forgotten, but for the last ones.
		_, err = s.Prune(ctx, monday.Add(2*keepDeliveries), time.Hour)
		must(t, err)
		all, err := s.Deliveries(ctx, 10)
		must(t, err)
		got = nil
		for _, d := range all {
			got = append(got, int(d.At.Sub(monday).Hours()))
		}
		if d := cmp.Diff([]int{3, 2, 1}, got); d != "" {
			t.Errorf("deliveries (-want +got):\n%s", d)
		}
	})
}

// TestMemoryOutlivesCancelledChanges: a change that is cancelled must not take
// the connection, and with it the database, along.
func TestMemoryOutlivesCancelledChanges(t *testing.T) {
	s, err := OpenMemory(t.Context())
	must(t, err)
	defer s.Close()
	must(t, s.SetDue(t.Context(), "weekly", monday))
	for range 5 {
		ctx, cancel := context.WithCancel(t.Context())
		tx, err := s.write.BeginTx(ctx, nil)
		must(t, err)
		cancel()
		_ = tx.Commit()
	}
	due, err := s.Due(t.Context())
	if err != nil || len(due) != 1 {
		t.Errorf("%v, %v", due, err)
	}
}
