package report

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/reporttest"
)

// strip returns the report with a proposal that saves bytes alone, and that
// many selectors read past.
func strip(readers int) *sentei.Report {
	r := reporttest.Report()
	proof := &sentei.Proof{Theorem: "Nobody <needs> it.", Consumers: 3, Selectors: 12, Executed: &sentei.Executed{Series: 1200, Changed: 1100}}
	for range readers {
		proof.Readers = append(proof.Readers, sentei.ProofReader{Consumer: r.Consumers[0].ID, Selector: `{a="<b>"}`, Because: "needs c"})
	}
	r.Proposals = []sentei.Proposal{{
		ID: "abc", Rule: "strip_unused_label", State: sentei.Pending, Grade: sentei.GradeASteady, Transient: 65 * time.Minute,
		Place:  sentei.Place{Backend: "prod", ScrapeJob: "node", Job: "node"},
		Action: sentei.Action{Kind: sentei.StripLabel, Metric: "node_cpu_seconds_total", Label: "rack"},
		Saving: sentei.Cost{MemoryBytes: 52 << 10}, Proof: proof,
		Rehearsal: &sentei.RehearsalResult{Consumers: 2, Replayed: 1, Detail: "one was too big"},
	}}
	return r
}

func TestProof(t *testing.T) {
	v := newView(strip(10))
	got := v.proof(v.Proposals[0].Proof)
	if len(got.Readers) != maxReaders || got.More != 2 || !strings.HasPrefix(got.Readers[0].Who, "alerting rule") {
		t.Errorf("%+v", got)
	}
	got.Readers = nil
	want := &proofRow{
		Theorem: "Nobody <needs> it.", Looked: "Looked at: 3 living consumers with 12 selectors.",
		Executed: "Executed over 1,200 stored series: 1,100 change, exactly those planned.",
		Summary:  "10 selectors that read it and do not notice", More: 2,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if v.proof(nil) != nil || rehearsed(&sentei.Proposal{}) != "" {
		t.Error("a proof or rehearsal that there was not")
	}
}

// TestBytesNotSeries wants every format to say what a label that is taken off
// saves.
func TestBytesNotSeries(t *testing.T) {
	r := strip(1)
	for format, wants := range map[string][]string{
		"markdown": {"| 52.0 KiB of memory |"},
		"html": {"52.0 KiB of memory", "results may differ for 1h5m", "1 of 2 consumers that read what it changes replayed without a difference; one was too big.",
			"1 selector that read it", "Nobody &lt;needs&gt; it.", `<code>{a=&#34;&lt;b&gt;&#34;}</code> needs c`},
		"csv": {",1,0,0,0,53248,\r\n"},
	} {
		f, err := ByName(format)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := f.Write(&out, r, Options{}); err != nil {
			t.Fatal(err)
		}
		for _, want := range wants {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s does not hold %q", format, want)
			}
		}
	}
}

func TestBeside(t *testing.T) {
	for want, c := range map[string]sentei.Cost{
		"":                       {Series: 1, MemoryBytes: 5, SamplesPerSecond: 1},
		"24 new series a day":    {Series: 1, ChurnPerHour: 1},
		"12.0 samples a second":  {SamplesPerSecond: 12, MemoryBytes: 9},
		"1.0 KiB of memory":      {MemoryBytes: 1024},
		"2,400 new series a day": {ChurnPerHour: 100, MemoryBytes: 1024},
	} {
		if got := beside(c); got != want {
			t.Errorf("%+v: %q, want %q", c, got, want)
		}
	}
}
