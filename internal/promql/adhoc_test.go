package promql

import (
	"testing"

	"github.com/sentei/sentei"
)

func TestAdHocFiltersMakeEveryLabelLive(t *testing.T) {
	e := sentei.Expression{Text: "sum by (job) (rate(a[5m])) / count(b)", AdHoc: true}
	a := Analyze(e, sentei.AllLabelsBut())
	if len(a.Selectors) != 2 {
		t.Fatalf("%d selectors", len(a.Selectors))
	}
	for _, s := range a.Selectors {
		if !s.Live.IsAll() {
			t.Errorf("%s: live labels are %s", &s, s.Live)
		}
	}
}
