package blockgen

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
)

// Cluster is a made up Kubernetes cluster, monitored as kube-prometheus does
// it: containers, kube-state-metrics, nodes, API servers, applications of
// several kinds, a service mesh and some fifty kinds of other exporters.
// Deployments are rolled out anew, cron jobs run, containers restart. The same
// Cluster gives the same bytes.
type Cluster struct {
	// Pods is how many run at a time: some 700 series each.
	Pods int
	// Blocks is how many blocks of two hours to write, one after the other.
	Blocks int
	// Start is when the first block begins, in Unix milliseconds.
	Start int64
}

const (
	blockMinutes   = 120
	minute         = 60_000
	scrapeInterval = 30_000
)

// WriteCluster writes the blocks below dir. A series takes some 200 bytes of
// memory meanwhile.
func WriteCluster(dir string, c Cluster) error {
	return writeBlocks(dir, c.Start, c.Blocks, c.exporters())
}

// WriteAdversary writes a block with one metric of which every series has
// eight labels with random values: no label tells anything about another.
func WriteAdversary(dir string, series int, start int64) error {
	random := func(*target) []pairs {
		r := rand.New(rand.NewPCG(1, 2))
		all := make([]pairs, 0, series)
		values := numbered("", "value-%03d", 100)
		for range series {
			p := make(pairs, 0, 16)
			for l := range 8 {
				p = append(p, "abcdefgh"[l:l+1], values[r.IntN(len(values))][1])
			}
			all = append(all, p)
		}
		return all
	}
	return writeBlocks(dir, start, 1, []exporter{{
		targets:  []target{{labels: pairs{"instance", "localhost:8080", "job", "adversary"}, to: blockMinutes}},
		families: []family{{name: "adversary_total", values: Counter, of: random}},
	}})
}

func writeBlocks(dir string, start int64, blocks int, exporters []exporter) error {
	for n := range blocks {
		b := Block{MinTime: start + int64(n)*blockMinutes*minute}
		b.MaxTime = b.MinTime + blockMinutes*minute
		b.ULID = blockID(b.MaxTime)
		x := newExposition(exporters, int64(n)*blockMinutes, b.MinTime)
		if err := b.write(filepath.Join(dir, b.ULID), x.symbols, x.all()); err != nil {
			return err
		}
	}
	return nil
}

func (c Cluster) exporters() []exporter {
	w := newWorkload(c.Pods, int64(c.Blocks)*blockMinutes)
	return slices.Concat(w.cadvisor(), w.objects(), w.applications(), w.machines(),
		[]exporter{w.apiServers(c.Pods)}, w.services(c.Pods))
}
