package relabeling

import (
	"strings"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/number"
)

// Saving says what a saving amounts to now and every day, as "149 series, 14.9
// samples a second, 288 new series a day, 0.97 USD a month". Without series it
// is the samples or else the memory that it saves, and "nothing" if that is none
// either.
func Saving(cost sentei.Cost, perMonth float64, currency string) string {
	var parts []string
	switch {
	case cost.Series == 0 && cost.SamplesPerSecond > 0:
		parts = append(parts, number.Rate(cost.SamplesPerSecond)+" samples a second and no series")
	case cost.Series > 0:
		parts = append(parts, number.Count(cost.Series)+" series", number.Rate(cost.SamplesPerSecond)+" samples a second")
	case cost.MemoryBytes > 0:
		parts = append(parts, number.Size(cost.MemoryBytes)+" of memory and no series")
	}
	if n := cost.NewSeriesPerDay(); n > 0 {
		parts = append(parts, number.Count(n)+" new series a day")
	}
	if perMonth > 0 {
		parts = append(parts, number.Money(perMonth)+" "+currency+" a month")
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}
