package analyzer

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei"
)

// The log of newWorld starts 40 days before now and ends now; analysis wants
// 30 days and a lag of at most an hour.
func TestQueryLogCoverage(t *testing.T) {
	const (
		short  = "blocks: the query log covers less time than analysis.min_window"
		ended  = "blocks: the query log ends long before the inventory"
		gaps   = "blocks: the query log has gaps"
		future = "the query log holds entries later than the inventory"
	)
	const day = 24 * time.Hour
	// gap is from so long before now to so long before now.
	gap := func(from, to time.Duration) sentei.Window {
		return sentei.Window{From: now.Add(-from), To: now.Add(-to)}
	}
	tests := map[string]struct {
		window sentei.Window
		gaps   []sentei.Window
		want   []string
	}{
		"no gap":                                  {gap(40*day, 0), nil, nil},
		"two entries a month apart":               {gap(31*day, 0), []sentei.Window{gap(31*day, 0)}, []string{gaps}},
		"a month-old file and that of today":      {gap(32*day, 0), []sentei.Window{gap(31*day, 10*time.Hour)}, []string{gaps}},
		"off for weeks, twice":                    {gap(40*day, 0), []sentei.Window{gap(29*day, 20*day), gap(10*day, day)}, []string{gaps}},
		"off for two hours":                       {gap(40*day, 0), []sentei.Window{gap(10*day, 10*day-2*time.Hour)}, nil},
		"off for more than two hours":             {gap(40*day, 0), []sentei.Window{gap(10*day, 10*day-2*time.Hour-time.Second)}, []string{gaps}},
		"off before the time that counts":         {gap(40*day, 0), []sentei.Window{gap(35*day, 31*day)}, nil},
		"off until just after that time began":    {gap(40*day, 0), []sentei.Window{gap(35*day, 30*day-2*time.Hour)}, nil},
		"off until long after that time began":    {gap(40*day, 0), []sentei.Window{gap(35*day, 29*day)}, []string{gaps}},
		"an old entry does not make it longer":    {gap(20000*day, 0), []sentei.Window{gap(20000*day, day)}, []string{gaps}},
		"short and with a gap":                    {gap(20*day, 0), []sentei.Window{gap(19*day, 18*day)}, []string{short, gaps}},
		"ended an hour ago":                       {gap(40*day, time.Hour), nil, nil},
		"ended more than an hour ago":             {gap(40*day, time.Hour+time.Second), nil, []string{ended}},
		"ended a day ago, with a gap before":      {gap(40*day, day), []sentei.Window{gap(5*day, 4*day)}, []string{ended, gaps}},
		"goes on for minutes":                     {gap(40*day, -5*time.Minute), nil, nil},
		"goes on for longer":                      {gap(40*day, -3*time.Hour), nil, []string{future}},
		"ended a day ago, an entry of tomorrow":   {gap(40*day, -day), []sentei.Window{gap(day, -day)}, []string{ended, future}},
		"ended a while ago, an entry of tomorrow": {gap(40*day, -day), []sentei.Window{gap(time.Hour, -day)}, []string{future}},
		"two entries of the future":               {gap(40*day, -3*day), []sentei.Window{gap(2*day, -day), gap(-day, -3*day)}, []string{ended, future}},
		"the gap ends some minutes after now":     {gap(40*day, -time.Minute), []sentei.Window{gap(day, -time.Minute)}, []string{gaps}},
		"a sound log and a gap in the future":     {gap(40*day, -3*day), []sentei.Window{gap(-day, -3*day)}, []string{future}},
		"a sound log and a gap soon after now":    {gap(40*day, -3*day), []sentei.Window{gap(-4*time.Minute, -3*day)}, []string{future}},
		"all entries are of the future":           {gap(-day, -2*day), nil, []string{short, future}},
		"no entry":                                {sentei.Window{}, nil, []string{short}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.queries.data.Window, w.queries.data.Gaps = tt.window, tt.gaps
			r, err := w.scan(t)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range r.Problems {
				message := p.Message
				if p.Blocking {
					message = "blocks: " + message
				}
				got = append(got, message)
				if p.Source != "query_log" || p.Hint == "" {
					t.Errorf("problem %+v, want a source and a hint", p)
				}
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
			blocked := strings.Contains(fmt.Sprint(tt.want), "blocks")
			if verdict := r.Metrics[0].Verdict; (verdict == sentei.Unknown) != blocked {
				t.Errorf("%s is %s", r.Metrics[0].Name, verdict)
			}
			for _, s := range r.Sources {
				if s.Name == "query_log" {
					if d := cmp.Diff(tt.gaps, s.Gaps); d != "" {
						t.Error(d)
					}
				}
			}
		})
	}
}

func TestGapsHint(t *testing.T) {
	w := newWorld()
	span := func(from, to time.Duration) sentei.Window {
		return sentei.Window{From: now.Add(-from), To: now.Add(-to)}
	}
	id := ""
	for _, tt := range []struct {
		gaps []sentei.Window
		want string
	}{
		{
			[]sentei.Window{span(100*time.Hour, 90*time.Hour)},
			"no entry from 2026-10-28T08:00:00Z for 10h: name the missing files, or raise analysis.max_lag (1h) if nothing was asked then",
		},
		{
			[]sentei.Window{span(100*time.Hour, 90*time.Hour), span(80*time.Hour, 30*time.Hour), span(20*time.Hour, 18*time.Hour)},
			"2 spans without an entry, the longest from 2026-10-29T04:00:00Z for 2d2h: name the missing files, or raise analysis.max_lag (1h) if nothing was asked then",
		},
	} {
		w.queries.data.Gaps = tt.gaps
		r, err := w.scan(t)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Problems) != 1 || r.Problems[0].Hint != tt.want {
			t.Fatalf("problems %+v, want the hint %s", r.Problems, tt.want)
		}
		if p := r.Problems[0]; id != "" && id != p.ID {
			t.Errorf("the identifier is %s and was %s", p.ID, id)
		} else {
			id = p.ID
		}
	}
}
