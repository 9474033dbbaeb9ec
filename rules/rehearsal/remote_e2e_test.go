//go:build e2e

package rehearsal

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei/internal/promapi/promtest"
)

// TestRealServers rehearses over blocks, and over real servers that have the
// same blocks: the results must be the same.
func TestRealServers(t *testing.T) {
	dir := clusterSeries().write(t)
	blocks := open(t, dir)
	r := consumersOfCluster()
	changes := slices.Concat(
		changesOf(t, r, "api", `[{source_labels: [__name__, code], regex: 'http_requests_total;500', action: drop}, {regex: path, action: labeldrop}]`),
		changesOf(t, r, "kube", `[{source_labels: [__name__], regex: kube_pod_info, target_label: uid, replacement: ''}]`),
	)
	for _, variable := range []string{promtest.Prometheus2, promtest.Prometheus3} {
		t.Run(variable, func(t *testing.T) {
			d := server(t, promtest.ServeBlocks(t, variable, filepath.Dir(dir)), time.Hour)
			// Its head is empty, so that it tells its own time.
			d.From, d.To = blocks.From, blocks.To
			same := *blocks
			same.Remote, same.Edges = true, nil
			want, got := run(t, r, &same, changes), run(t, r, d, changes)
			if diff := cmp.Diff(want, got); diff != "" || got.Figures.Differs == 0 || got.Figures.Same == 0 {
				t.Errorf("figures %+v, -blocks +server\n%s", got.Figures, diff)
			}
		})
	}
}
