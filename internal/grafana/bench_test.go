package grafana

import (
	"os"
	"testing"
)

// BenchmarkRead reads one dashboard of the usual size.
func BenchmarkRead(b *testing.B) {
	data, err := os.ReadFile("../../testdata/grafana/node-overview.json")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		file, err := Read("a.json", data)
		if err != nil || len(file.Dashboards) != 1 {
			b.Fatal(file.Issues, err)
		}
		if len(file.Dashboards[0].Queries(nil)) == 0 {
			b.Fatal("no queries")
		}
	}
}
