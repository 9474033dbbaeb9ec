package querylog

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei"
)

// lineAt is a usual line, or one that is read in full, of the time.
func lineAt(t time.Time, usual bool) string {
	line := lineV2Rule
	if !usual {
		line = strings.Replace(lineV2Rule, `{"params"`, `{ "params"`, 1)
	}
	return strings.Replace(line, "2026-11-22T18:36:44.068Z", t.UTC().Format("2006-01-02T15:04:05.000Z"), 1) + "\n"
}

func TestGaps(t *testing.T) {
	tests := map[string]struct {
		times []string
		want  []string // from, to, from, to, …
	}{
		"one entry":                    {times: []string{"2026-11-22T18:00:00Z"}},
		"an hour apart":                {times: []string{"2026-11-22T18:30:00Z", "2026-11-22T19:30:00Z"}},
		"more than an hour apart":      {times: []string{"2026-11-22T18:30:00Z", "2026-11-22T19:30:00.001Z"}, want: []string{"2026-11-22T18:30:00Z", "2026-11-22T19:30:00.001Z"}},
		"a month, the newest first":    {times: []string{"2026-11-22T18:00:00Z", "2026-10-22T18:00:00Z"}, want: []string{"2026-10-22T18:00:00Z", "2026-11-22T18:00:00Z"}},
		"ends and starts within hours": {times: []string{"2026-11-22T01:10:00Z", "2026-11-22T01:50:00Z", "2026-11-22T01:20:00Z", "2026-11-22T04:40:00Z", "2026-11-22T04:20:00Z"}, want: []string{"2026-11-22T01:50:00Z", "2026-11-22T04:20:00Z"}},
		"two, and an entry in between": {times: []string{"2026-11-22T01:00:00Z", "2026-11-22T09:00:00Z", "2026-11-22T05:00:00Z"}, want: []string{"2026-11-22T01:00:00Z", "2026-11-22T05:00:00Z", "2026-11-22T05:00:00Z", "2026-11-22T09:00:00Z"}},
		"a clock that is years behind": {times: []string{"1970-01-01T00:00:07Z", "2026-11-22T09:00:00Z"}, want: []string{"1970-01-01T00:00:07Z", "2026-11-22T09:00:00Z"}},
		"a clock that is years ahead":  {times: []string{"2199-01-01T00:00:00Z", "2026-11-22T09:00:00Z"}, want: []string{"2026-11-22T09:00:00Z", "2199-01-01T00:00:00Z"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var want []sentei.Window
			for i := 0; i < len(tt.want); i += 2 {
				want = append(want, sentei.Window{From: when(tt.want[i]), To: when(tt.want[i+1])})
			}
			for _, usual := range []bool{true, false} {
				var text strings.Builder
				for _, s := range tt.times {
					text.WriteString(lineAt(when(s), usual))
				}
				res := readAll(t, Options{Patterns: []string{put(t, t.TempDir(), "query.log", text.String())}})
				if res.Counts.Used != int64(len(tt.times)) {
					t.Fatalf("counts %+v", res.Counts)
				}
				if diff := cmp.Diff(want, res.Gaps); diff != "" {
					t.Errorf("gaps, usual lines %v (-want +got):\n%s", usual, diff)
				}
			}
		})
	}
}

// Entries of every sort say that the log was being written.
func TestGapsCountEveryEntry(t *testing.T) {
	at := when("2026-11-22T01:00:00Z")
	own := strings.Replace(lineAt(at.Add(time.Hour), true), "sum by (job) (up)", "up # sentei", 1)
	failed := strings.Replace(lineAt(at.Add(2*time.Hour), true), `"spanID"`, `"error":"Parameter value is NaN","spanID"`, 1)
	blind := at.Add(3*time.Hour).Format("ts=2006-01-02T15:04:05Z") + ` msg="query stats" path=/api/v1/read` + "\n"
	text := lineAt(at, true) + own + failed + blind + lineAt(at.Add(4*time.Hour), true)
	res := readAll(t, Options{Patterns: []string{put(t, t.TempDir(), "query.log", text)}})
	if c := res.Counts; c.Used != 2 || c.Own != 1 || c.Failed != 1 || c.Blind != 1 {
		t.Fatalf("counts %+v", c)
	}
	if len(res.Gaps) != 0 {
		t.Errorf("gaps %v, want none", res.Gaps)
	}
}

// The gaps of many files and workers are those of all times, sorted.
func TestGapsAgainstSortedTimes(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	start := when("2026-10-01T00:00:00Z")
	for round := range 20 {
		// Times are in seconds after the start; one file for each of three runs.
		var all []int
		dir := t.TempDir()
		for i := range 3 {
			var text strings.Builder
			at := rnd.IntN(30 * 24 * 3600)
			for range 2000 {
				all = append(all, at)
				text.WriteString(lineAt(start.Add(time.Duration(at)*time.Second), rnd.IntN(10) > 0))
				if at += rnd.IntN(60); rnd.IntN(200) == 0 {
					at = max(0, at+rnd.IntN(4*3600)-3600)
				}
			}
			put(t, dir, fmt.Sprintf("query.log.%d", i), text.String())
		}
		want := gapsOf(start, all)
		for workers := 1; workers < 4; workers++ {
			res := readAll(t, Options{Patterns: []string{dir + "/*"}, Workers: workers})
			if diff := cmp.Diff(want, res.Gaps); diff != "" {
				t.Fatalf("round %d, %d workers (-want +got):\n%s", round, workers, diff)
			}
		}
	}
}

func gapsOf(start time.Time, seconds []int) (gaps []sentei.Window) {
	slices.Sort(seconds)
	at := func(i int) time.Time { return start.Add(time.Duration(seconds[i]) * time.Second) }
	for i := 1; i < len(seconds); i++ {
		if seconds[i]-seconds[i-1] > 3600 {
			gaps = append(gaps, sentei.Window{From: at(i - 1), To: at(i)})
		}
	}
	return gaps
}
