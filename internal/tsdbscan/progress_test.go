package tsdbscan

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/sentei/sentei/internal/tsdbscan/blockgen"
)

// TestScanProgress has metrics of all sizes, in two blocks that overlap, and a
// span that is guessed wrong, so that some are read twice.
func TestScanProgress(t *testing.T) {
	dir := t.TempDir()
	var all int64
	for i := range int64(2) {
		var series []blockgen.Series
		for n := range 20_000 {
			s := whole("__name__", fmt.Sprintf("m%d", min(n/10, 1000)), "i", fmt.Sprint(n), "job", "j")
			s.From, s.To = s.From+i*hour, s.To+i*hour-minute*int64(n%7)
			series = append(series, s)
		}
		all += int64(len(series))
		write(t, dir, blockgen.Block{ULID: fmt.Sprintf("01JCW8TM0NNYXGZ3B7T0AP9D2%d", i), Series: series})
	}
	l, err := List(dir)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var calls, most int64
	_, err = Scan(context.Background(), l.Blocks, Options{TopValues: 1, Workers: 3, Progress: func(done, total int64) {
		mu.Lock()
		defer mu.Unlock()
		calls++
		most = max(most, done)
		if total != all || done < 1 || done > total {
			t.Errorf("%d of %d, there are %d", done, total, all)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if most != all || calls < 10 || calls > 1001 {
		t.Errorf("%d calls, the last with %d of %d", calls, most, all)
	}
}
