package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei/internal/source"
)

// screen is a terminal of endless height that knows carriage return and "clear
// to the end of the line".
type screen struct{ lines []string }

func (s *screen) Write(b []byte) (int, error) {
	if len(s.lines) == 0 {
		s.lines = []string{""}
	}
	at := 0 // column; every write begins with a carriage return or at the start of a line
	last := func() *string { return &s.lines[len(s.lines)-1] }
	for text := string(b); text != ""; {
		switch {
		case text[0] == '\r':
			at, text = 0, text[1:]
		case text[0] == '\n':
			s.lines = append(s.lines, "")
			at, text = 0, text[1:]
		case strings.HasPrefix(text, "\x1b[K"):
			*last(), text = (*last())[:at], text[len("\x1b[K"):]
		default:
			*last() = (*last())[:at] + text[:1]
			at, text = at+1, text[1:]
		}
	}
	return len(b), nil
}

func TestProgressLine(t *testing.T) {
	var s screen
	now := time.Unix(1000, 0)
	width := 80
	p := &progressLine{w: &s, width: func() int { return width }, now: func() time.Time { return now }, begin: now}
	block, log := source.NewMeter("main", "block"), source.NewMeter("main", "query_log")
	rules := source.NewMeter("main", "prometheus_rules")
	meters := []*source.Meter{block, log, rules}
	var seen []string
	after := func(d time.Duration) {
		now = now.Add(d)
		var all []source.Progress
		for _, m := range meters {
			all = append(all, m.Progress())
		}
		p.draw(all)
		seen = append(seen, strings.Join(s.lines, "\n"))
	}

	block.Begin(now)
	log.Begin(now)
	after(900 * time.Millisecond) // not yet
	rules.Begin(now)
	after(600 * time.Millisecond)
	block.Set(1_250_000, 5_000_000, "series")
	log.Set(3<<19, 3<<20, "bytes")
	rules.Add(7, "requests")
	after(8500 * time.Millisecond)
	rules.End()
	after(0)
	if _, err := p.Write([]byte("level=WARN msg=slow\n")); err != nil {
		t.Fatal(err)
	}
	after(0)
	log.End()
	width = 30
	after(0)
	width = 80
	block.End()
	after(time.Second)
	p.watch(func() []source.Progress { return nil })()
	seen = append(seen, strings.Join(s.lines, "\n"))

	want := []string{
		"",
		"1s · block · query_log · prometheus_rules",
		"10s · block 1,250,000 of 5,000,000 series 25% · query_log 1.5 of 3.0 MiB 50% ·…",
		"10s, about 30s left · block 1,250,000 of 5,000,000 series 25% · query_log 1.5 …",
		"level=WARN msg=slow\n10s, about 30s left · block 1,250,000 of 5,000,000 series 25% · query_log 1.5 …",
		"level=WARN msg=slow\n10s, about 30s left · block …",
		"level=WARN msg=slow\n11s · analyzing",
		"level=WARN msg=slow\n",
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Error(diff)
	}
}

func TestProgressEstimate(t *testing.T) {
	now := time.Unix(1000, 0)
	reading := func(done, total int64, began time.Time) source.Progress {
		return source.Progress{Source: "s", State: source.Reading, Began: began, Done: done, Total: total, Unit: "series"}
	}
	ended := source.Progress{State: source.Ended}
	for name, tt := range map[string]struct {
		all  []source.Progress
		want time.Duration
	}{
		"the slowest counts": {[]source.Progress{reading(1, 4, now.Add(-10*time.Second)), reading(1, 2, now.Add(-10*time.Second)), ended}, 30 * time.Second},
		"its own start":      {[]source.Progress{reading(1, 4, now.Add(-4*time.Second))}, 12 * time.Second},
		"too early":          {[]source.Progress{reading(1, 100, now.Add(-time.Second))}, 0},
		"size unknown":       {[]source.Progress{reading(1, 2, now.Add(-time.Second)), reading(7, 0, now)}, 0},
		"one waits":          {[]source.Progress{reading(1, 2, now.Add(-time.Second)), {}}, 0},
		"all ended":          {[]source.Progress{ended}, 0},
	} {
		if got, ok := remaining(tt.all, now); got != tt.want && ok || ok != (tt.want > 0) {
			t.Errorf("%s: %s, %v, want %s", name, got, ok, tt.want)
		}
	}
}

func TestProgressNamesBackends(t *testing.T) {
	got := describe([]source.Progress{
		{Backend: "a\x1b[2J", Source: "block", State: source.Reading}, {Backend: "b", Source: "block", State: source.Reading}, {Backend: "b"},
	})
	if want := "a\uFFFD[2J/block · b/block · 1 waiting"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
