package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestWriteOverviewOfNastyText(t *testing.T) {
	o := &overview{Path: "data", BlocksInTotal: 1, Blocks: []blockOverview{{
		ULID: "01M83AP5JPZVWMEK4E3WZZFJ7F", Series: 1234567, Metrics: 1, Labels: 1, LabelPairs: 3,
		TopMetrics: []metricOverview{{"東京_\x1b[2J", 1234567}},
		TopPairs:   []pairOverview{{"a", strings.Repeat("x", 64<<10), 9}, {"b", "1\n2", 7}},
	}}}
	var out bytes.Buffer
	if err := writeOverview(&out, o); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); strings.Contains(got, "\x1b") || len(got) > 2000 ||
		!strings.Contains(got, "東京_\uFFFD[2J   1,234,567   100.0%\n") || !strings.Contains(got, `b="1\n2"`) {
		t.Errorf("%.3000q", got)
	}
}

func TestWriteOverviewOfNothing(t *testing.T) {
	var out bytes.Buffer
	if err := writeOverview(&out, &overview{BlocksInTotal: 1, Blocks: make([]blockOverview, 1)}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "NaN") {
		t.Error(out.String())
	}
}
