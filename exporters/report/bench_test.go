package report

import (
	"io"
	"testing"

	"github.com/sentei/sentei/internal/reporttest"
)

func BenchmarkFormats(b *testing.B) {
	r := reporttest.Large(20_000)
	for _, f := range Formats() {
		b.Run(f.Name, func(b *testing.B) {
			for b.Loop() {
				if err := f.Write(io.Discard, r, Options{Top: f.Top}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
