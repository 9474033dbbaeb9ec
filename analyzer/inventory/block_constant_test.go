package inventory

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/tsdbscan/blockgen"
)

func TestReadConstant(t *testing.T) {
	dir := t.TempDir()
	with := func(s blockgen.Series, v blockgen.Values) blockgen.Series { s.Values = v; return s }
	minute := hour / 60
	write(t, dir, blockgen.Block{ULID: ulid1, MinTime: t0, MaxTime: t0 + 2*hour, Series: []blockgen.Series{
		with(series(0, minute, "__name__", "a_info", "x", "1"), blockgen.Constant),
		with(series(0, minute, "__name__", "a_info", "x", "2"), blockgen.Constant),
		with(series(0, minute, "__name__", "late", "x", "1"), blockgen.Constant),
	}})
	write(t, dir, blockgen.Block{ULID: ulid2, MinTime: t0 + 2*hour, MaxTime: t0 + 4*hour, Series: []blockgen.Series{
		with(series(2*hour, 2*hour+minute, "__name__", "late", "x", "1"), blockgen.Constant), // another value
		with(series(2*hour, 2*hour+minute, "__name__", "native"), blockgen.Native),
	}})
	inv, _, err := build(t, dir, "path: .").Inventory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	reader := inv.Series.(sentei.ConstantReader)
	at := func(ms int64) time.Time { return time.UnixMilli(t0 + ms).UTC() }
	from, to := at(0), at(2*hour+minute)
	tests := []struct {
		metric string
		most   int64
		want   sentei.Constant
	}{
		{"a_info", 10, sentei.Constant{Samples: 10, From: from, To: at(minute)}},
		{"a_info", 9, sentei.Constant{Unless: "it has more than 9 samples", Samples: 10, From: from, To: at(minute)}},
		{"late", 100, sentei.Constant{Unless: "it has the values", From: from, To: to}},
		{"native", 100, sentei.Constant{Unless: "it has histograms", From: at(2 * hour), To: to}},
		{"not there", 100, sentei.Constant{Unless: "no block has samples of it"}},
	}
	for _, tt := range tests {
		got, err := reader.ReadConstant(t.Context(), tt.metric, tt.most)
		if err != nil {
			t.Fatal(err)
		}
		if tt.metric == "late" && len(got.Unless) > len(tt.want.Unless) { // which values is up to the generator
			got.Unless, got.Samples = got.Unless[:len(tt.want.Unless)], 0
		}
		if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreFields(sentei.Constant{}, "Value")); diff != "" {
			t.Errorf("%s: -want +got\n%s", tt.metric, diff)
		}
	}
}
