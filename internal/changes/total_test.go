package changes

import (
	"fmt"
	"testing"

	"github.com/sentei/sentei"
)

// Sums that lie between two cents are rounded the same way in the report and
// in what changed, however floating point adds them up.
func TestTotalIsThatOfTheReport(t *testing.T) {
	prices := sentei.Prices{PerThousandSeries: 6.5}
	r := &sentei.Report{}
	for i := range 6090 {
		m := sentei.MetricReport{Cost: sentei.Cost{Series: 1}}
		m.Name = fmt.Sprint("m", i)
		m.PerMonth = prices.PerMonth(m.Cost)
		r.Metrics = append(r.Metrics, m)
	}
	_, cost, perMonth := r.Total("")
	if got, want := total(r, prices), (Sum{6090, cost.Series, perMonth}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}
