package tsdbscan

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadOverview(t *testing.T) {
	dir := smallBlock(t, t.TempDir())
	got, err := ReadOverview(&Block{Dir: dir, ULID: ulid})
	if err != nil {
		t.Fatal(err)
	}
	want := &Overview{
		Series:  10,
		Metrics: []Count{{"requests_total", 5}, {"up", 3}, {"empty", 1}},
		Labels: []Count{
			{"__name__", 3}, {"code", 2}, {"instance", 2}, {"job", 2}, {"pod", 2}, {"Cluster", 1}, {"nameless", 1},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	edit(t, filepath.Join(dir, "index"), func(b []byte) []byte { b[len(b)-tocLength-5] ^= 1; return b })
	if _, err := ReadOverview(&Block{Dir: dir, ULID: ulid}); err == nil || !strings.Contains(err.Error(), ulid) {
		t.Errorf("error %v, want one about block %s", err, ulid)
	}
}
