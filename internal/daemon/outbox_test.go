package daemon

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sentei/sentei/exporters/notify"
	"github.com/sentei/sentei/internal/store"
)

func (r *receiver) answers(answer func(context.Context) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

// TestFailuresOutliveMessages: reports that come more often than a channel is
// tried continue its failures, so that it is tried ever more rarely, given up
// at its time, and tried rarely after that, until a message arrives.
func TestFailuresOutliveMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := memory(t)
		defer closed(t, box)
		r := &receiver{answer: down}
		b := newBench(t, box, scheduledAt(t, "often", "*/30 * * * *", r))
		defer b.start(t)()
		time.Sleep(3*24*time.Hour + 12*time.Hour)
		synctest.Wait()
		var pauses []string
		for i := range len(r.tries) - 1 {
			pauses = append(pauses, r.tries[i+1].Sub(r.tries[i]).String())
		}
		if got := strings.Join(pauses[:11], " "); got != "1m0s 2m0s 4m0s 8m0s 16m0s 32m0s 1h4m0s 2h8m0s 4h16m0s 6h0m0s 6h0m0s" {
			t.Errorf("pauses %s", got)
		}
		for _, p := range pauses[11:] {
			if p != "6h0m0s" {
				t.Errorf("it is tried again after %s", p)
			}
		}
		var givenUp []string
		for _, s := range states(t, box) {
			if strings.Contains(s, " given up,") {
				givenUp = append(givenUp, s)
			}
		}
		if want := "channel0 given up, 1 attempts, 503 Service Unavailable (it has failed for longer than give_up_after)"; len(givenUp) == 0 || givenUp[0] != want {
			t.Errorf("given up: %q", givenUp)
		}
		all, err := box.PressingDeliveries(t.Context(), 3)
		if err != nil || len(all) != 3 {
			t.Fatal(all, err)
		}
		first := time.Date(2000, 1, 1, 0, 30, 0, 0, time.UTC)
		if d := all[0]; d.State != store.Waiting || d.Attempts != 0 || d.Failures != len(r.tries) || !d.FailingSince.Equal(first) || !strings.Contains(d.Error, "503") {
			t.Errorf("%d tries since %s, but %+v waits", len(r.tries), first, d)
		}
		if d := all[1]; d.State != store.GivenUp {
			t.Errorf("%+v", d)
		}
		if got := value(t, b.registry, "sentei_deliveries_failing", "channel0"); got == 0 {
			t.Error("nothing is failing")
		}
		// One that arrives ends it: the next failure is a first one.
		r.answers(nil)
		time.Sleep(6 * time.Hour)
		synctest.Wait()
		r.answers(down)
		tries := len(r.tries)
		time.Sleep(30*time.Minute + 10*time.Second)
		synctest.Wait()
		if got := value(t, b.registry, "sentei_deliveries_failing", "channel0"); len(r.bodies) == 0 || got != 1 {
			t.Errorf("%d have arrived, then %v fail", len(r.bodies), got)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := len(r.tries) - tries; n < 2 {
			t.Errorf("%d tries after the first new failure", n)
		}
	})
}

// TestReplacedWhileTried: what came of a message that was replaced while it was
// tried counts for the one that took its place.
func TestReplacedWhileTried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := memory(t)
		defer closed(t, box)
		hangs := &receiver{answer: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}
		defer newBench(t, box, scheduledAt(t, "often", "* * * * *", hangs)).start(t)()
		time.Sleep(5 * time.Hour)
		synctest.Wait()
		if n := len(hangs.tries); n < 7 || n > 9 {
			t.Errorf("%d tries in five hours", n)
		}
	})
}

// TestRefusedIsNoRow: a refusal is a beginning, not a failure among others:
// the next message is tried at once, and again when the receiver is down.
func TestRefusedIsNoRow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := memory(t)
		defer closed(t, box)
		r := &receiver{answer: func(context.Context) error { return &notify.Refused{Err: errors.New("404")} }}
		defer newBench(t, box, scheduledAt(t, "weekly", "0 9 * * 1", r)).start(t)()
		time.Sleep(8 * 24 * time.Hour)
		wantStates(t, box, "channel0 given up, 1 attempts, 404")
		r.answers(down)
		time.Sleep(24*time.Hour + 9*time.Hour + 30*time.Second)
		wantStates(t, box, "channel0 given up, 1 attempts, 404", "channel0 waiting, 1 attempts, 503 Service Unavailable")
	})
}
