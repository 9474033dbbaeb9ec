package number

import (
	"testing"
	"time"
)

func TestNumbers(t *testing.T) {
	for got, want := range map[string]string{
		Count(0): "0", Count(999): "999", Count(1000): "1,000", Count(-1234567): "-1,234,567",
		Money(1234567.891): "1,234,567.89", Money(0.004): "0.00", Money(-0.5): "-0.50",
		Rate(0): "0", Rate(0.07): "0.07", Rate(42.25): "42.2", Rate(91413.4): "91,413",
		Percent(0): "0.0%", Percent(0.0001): "<0.1%", Percent(1): "100.0%",
		Score(0.01): "<0.1", Score(12.34): "12.3",
		Size(0): "0 B", Size(1536): "1.5 KiB", Size(3 << 30): "3.0 GiB", Size(5000 << 40): "5,000.0 TiB",
		Span(30 * 24 * time.Hour): "30d", Span(49 * time.Hour): "2d1h", Span(90 * time.Second): "1m30s", Span(0): "0s",
		Known("5", true): "5", Known("0", false): "?",
		Sum("5", true, true): "5", Sum("6", true, false): "≥ 6", Sum("0", false, false): "?", Sum("0", false, true): "0",
		Plural(1, "metric"): "1 metric", Plural(2000, "metric"): "2,000 metrics",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
