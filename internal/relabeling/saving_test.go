package relabeling

import (
	"testing"

	"github.com/sentei/sentei"
)

func TestSaving(t *testing.T) {
	tests := []struct {
		cost     sentei.Cost
		perMonth float64
		want     string
	}{
		{sentei.Cost{}, 0, "nothing"},
		{sentei.Cost{Series: 149, SamplesPerSecond: 14.9, MemoryBytes: 1e6}, 0.968, "149 series, 14.9 samples a second, 0.97 USD a month"},
		{sentei.Cost{Series: 2, SamplesPerSecond: 0.133, ChurnPerHour: 12}, 0, "2 series, 0.13 samples a second, 288 new series a day"},
		{sentei.Cost{ChurnPerHour: 0.04}, 0, "1 new series a day"},
		{sentei.Cost{ChurnPerHour: 0.02}, 0, "nothing"},
		{sentei.Cost{MemoryBytes: 12_345}, 0, "12.1 KiB of memory and no series"},
		{sentei.Cost{SamplesPerSecond: 7.5, MemoryBytes: 100}, 0, "7.50 samples a second and no series"},
		{sentei.Cost{MemoryBytes: 12}, 0, "12 B of memory and no series"},
		{sentei.Cost{MemoryBytes: 12_345_678}, 3, "11.8 MiB of memory and no series, 3.00 USD a month"},
	}
	for _, tt := range tests {
		if got := Saving(tt.cost, tt.perMonth, "USD"); got != tt.want {
			t.Errorf("%+v: %s, want %s", tt.cost, got, tt.want)
		}
	}
}
