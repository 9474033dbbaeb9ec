package blockgen

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// workload is what runs in a cluster over the time of all blocks.
type workload struct {
	nodes       int
	minutes     int64
	deployments []deployment
	pods        []pod
}

// kinds is how many kinds of applications there are.
const kinds = 10

// deployment is an application, its pods replaced at every rollout.
type deployment struct {
	namespace, name string
	kind, replicas  int
	sets            []replicaSet
}

type replicaSet struct {
	name     string
	from, to int64
}

// pod is one pod; kind is -1 for that of a cron job. In the minute restart its
// container is replaced.
type pod struct {
	namespace, app, set, name, uid, ip string
	node, kind                         int
	from, to, restart                  int64
}

var (
	teams = []string{"payments", "search", "catalog", "identity", "ml", "billing", "edge", "data"}
	roles = []string{"api", "worker", "gateway", "consumer", "scheduler", "cache", "frontend", "indexer", "notifier", "sync"}
)

// newWorkload lets about so many pods run at any time, for so many minutes.
func newWorkload(pods int, minutes int64) *workload {
	r := rand.New(rand.NewPCG(uint64(pods), 42))
	w := &workload{nodes: max(3, pods/28), minutes: minutes}
	for running := 0; running < pods; {
		n := len(w.deployments)
		d := deployment{
			namespace: fmt.Sprintf("team-%s-%d", teams[n%len(teams)], n/len(teams)%max(1, pods/512)),
			name:      roles[r.IntN(len(roles))] + "-" + hexID(6, "deployment", n),
			kind:      n % kinds,
			replicas:  1 + int(math.Exp(0.9*r.NormFloat64()+1.6)),
		}
		running += d.replicas
		w.rollouts(&d, r)
		w.deployments = append(w.deployments, d)
	}
	for n := range pods / 20 {
		every := 30 + steps(r, 60)*5
		app := "cron-" + hexID(6, "cron", n)
		for t := steps(r, every/5) * 5; t < minutes; t += every {
			w.pod(pod{
				namespace: fmt.Sprintf("team-%s-0", teams[n%len(teams)]), app: app, set: fmt.Sprintf("%s-%d", app, 28_900_000+t),
				kind: -1, from: t, to: t + 5 + 5*steps(r, 3), restart: -1,
			}, r)
		}
	}
	return w
}

// rollouts lets the pods of a deployment run: it is rolled out every ten hours,
// more or less.
func (w *workload) rollouts(d *deployment, r *rand.Rand) {
	for from := -5 * steps(r, 120); from < w.minutes; {
		to := from + 60 + 5*int64(r.ExpFloat64()*120)
		set := replicaSet{fmt.Sprintf("%s-%s", d.name, hexID(10, d.name, len(d.sets))), from, to}
		d.sets = append(d.sets, set)
		for range d.replicas {
			p := pod{namespace: d.namespace, app: d.name, set: set.name, kind: d.kind, from: from, to: to, restart: -1}
			if r.IntN(20) == 0 { // evicted
				p.to = from + 5 + 5*steps(r, int(to-from)/5)
			}
			if r.IntN(25) == 0 {
				p.restart = from + 5*steps(r, int(to-from)/5)
			}
			w.pod(p, r)
		}
		from = to
	}
}

func (w *workload) pod(p pod, r *rand.Rand) {
	n := len(w.pods)
	p.name = p.set + "-" + hexID(5, "pod", n)
	id := hexID(32, "uid", n)
	p.uid = id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:]
	p.node = r.IntN(w.nodes)
	p.ip = fmt.Sprintf("10.%d.%d.%d", 64+n>>16&63, n>>8&255, n&255)
	w.pods = append(w.pods, p)
}

// steps returns a number below n.
func steps[T int | int64](r *rand.Rand, n T) int64 { return r.Int64N(max(1, int64(n))) }

func nodeName(n int) string {
	return fmt.Sprintf("ip-10-0-%d-%d.eu-west-1.compute.internal", n/250, n%250)
}

func nodeIP(n int) string { return fmt.Sprintf("10.0.%d.%d", n/250, n%250) }

func nodeAddress(n, port int) string { return fmt.Sprintf("%s:%d", nodeIP(n), port) }
