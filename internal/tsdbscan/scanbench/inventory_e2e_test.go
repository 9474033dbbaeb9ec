//go:build e2e && linux

package main

import (
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sentei/sentei/internal/promapi/promtest"
	"github.com/sentei/sentei/internal/tsdbscan"
)

var (
	dataDir = flag.String("data", os.TempDir(), "where generated blocks are kept")
	sizes   = flag.String("sizes", "1", "millions of series, between spaces")
	rounds  = flag.Int("rounds", 3, "how often everything is measured")
	module  = "../../.."
)

// The names of what is measured.
const (
	analyze    = "`promtool tsdb analyze`"
	extended   = "`promtool tsdb analyze --extended`"
	overview   = "`sentei overview`"
	scan       = "scan, index"
	oneWorker  = "scan, index, 1 worker"
	samples    = "scan, index and samples"
	reductions = "scan, index, sets of labels to remove"
)

// bench is what has been measured, by the name of the data and of the command.
type bench struct {
	promtool, sentei, scanbench string
	figures                     strings.Builder
	goals                       strings.Builder
	medians                     map[string]map[string]usage
}

// BenchmarkInventory measures processes that read generated blocks: sentei's
// and promtool's, by turns, and prints two tables in Markdown. It takes half an
// hour for all sizes, so make bench-inventory runs it and nothing else does.
func BenchmarkInventory(b *testing.B) {
	bin := b.TempDir()
	for _, pkg := range []string{"./cmd/sentei", "./internal/tsdbscan/scanbench"} {
		cmd := exec.Command("go", "build", "-o", bin, pkg)
		cmd.Dir = module
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("build %s: %v: %s", pkg, err, out)
		}
	}
	x := &bench{
		promtool: promtest.Binary(b, promtest.Promtool),
		sentei:   filepath.Join(bin, "sentei"), scanbench: filepath.Join(bin, "scanbench"),
		medians: map[string]map[string]usage{},
	}
	var clusters []*data
	for _, size := range strings.Fields(*sizes) {
		n, err := strconv.Atoi(size)
		if err != nil {
			b.Fatalf("-sizes %q: %v", *sizes, err)
		}
		d := cluster(b, n, 1)
		clusters = append(clusters, d)
		commands := []string{analyze, overview, scan, oneWorker, samples, reductions}
		if n <= 5 { // more would need many gigabytes
			commands = append(commands, extended)
		}
		x.measure(b, d, commands)
		x.compare(d)
	}
	if first, last := clusters[0], clusters[len(clusters)-1]; last != first {
		ratio := x.perSeries(last, scan) / x.perSeries(first, scan)
		x.goal(fmt.Sprintf("CPU a series of the scan, %s to %s", last.name, first.name), fmt.Sprintf("%.2f", ratio), "≤ 1.25")
	}
	day := cluster(b, 1, 12)
	x.measure(b, day, []string{scan, samples})
	x.goal(fmt.Sprintf("CPU a row of %s, series that are in several counted once", day.name), fmt.Sprintf("%.0f ns", x.perSeries(day, scan)), "≤ 200 ns")
	worst := adversary(b)
	x.measure(b, worst, []string{analyze, scan})
	x.goal("one metric of 3 M series with 8 random labels: CPU of `promtool tsdb analyze` / scan", times(x.of(worst, analyze).cpu, x.of(worst, scan).cpu), "–")
	x.whatIf(b, clusters[0])
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		b.Fatal(err)
	}
	fmt.Printf("\n%d cores, load %s\n\n%s\n%s\n", runtime.NumCPU(), strings.TrimSpace(string(load)), header(
		"block", "what", "CPU", "a series", "wall", "highest memory, without files", "with files")+x.figures.String(),
		header("goal", "measured", "required")+x.goals.String())
}

func header(columns ...string) string {
	return "| " + strings.Join(columns, " | ") + " |\n" + strings.Repeat("|---", len(columns)) + "|\n"
}

func (x *bench) command(name, dir string) *command {
	args := map[string][]string{
		analyze:    {x.promtool, "tsdb", "analyze", dir},
		extended:   {x.promtool, "tsdb", "analyze", "--extended", dir},
		overview:   {x.sentei, "overview", dir},
		scan:       {x.scanbench, "-index-only", dir},
		oneWorker:  {x.scanbench, "-index-only", "-workers=1", dir},
		samples:    {x.scanbench, dir},
		reductions: {x.scanbench, "-index-only", "-reduce=1000000000", dir},
	}
	return &command{name: name, args: args[name]}
}

// measure runs the commands on the data and notes the figures.
func (x *bench) measure(b *testing.B, d *data, names []string) {
	var commands []*command
	for _, n := range names {
		commands = append(commands, x.command(n, d.dir))
	}
	alternate(b, *rounds, d, commands)
	x.medians[d.name] = map[string]usage{}
	for _, c := range commands {
		u := c.median()
		x.medians[d.name][c.name] = u
		row := fmt.Sprintf("| %s | %s | %.3g s | %.3g ns | %.3g s | %d MB | %d MB |\n", d.name, c.name, u.cpu.Seconds(),
			float64(u.cpu)/float64(d.series), u.wall.Seconds(), u.anonymous>>20, u.resident>>20)
		x.figures.WriteString(row)
		fmt.Fprint(os.Stderr, row)
	}
}

func (x *bench) of(d *data, name string) usage { return x.medians[d.name][name] }

func (x *bench) perSeries(d *data, name string) float64 {
	return float64(x.of(d, name).cpu) / float64(d.series)
}

func (x *bench) goal(what, measured, required string) {
	row := fmt.Sprintf("| %s | %s | %s |\n", what, measured, required)
	x.goals.WriteString(row)
	fmt.Fprint(os.Stderr, row)
}

// times prints how many times b is in a.
func times[T time.Duration | int64 | float64](a, b T) string {
	return fmt.Sprintf("%.3g×", float64(a)/float64(b))
}

// compare notes the goals that are about one block.
func (x *bench) compare(d *data) {
	theirs, ours := x.of(d, analyze), x.of(d, scan)
	x.goal(d.name+": `promtool tsdb analyze` / scan, wall", times(theirs.wall, ours.wall), "≥ 50×")
	x.goal(d.name+": the same, CPU", times(theirs.cpu, ours.cpu), "≥ 40×")
	if more, ok := x.medians[d.name][extended]; ok {
		x.goal(d.name+": `promtool tsdb analyze --extended` / scan with samples, CPU", times(more.cpu, x.of(d, samples).cpu), "≥ 40×")
	}
	x.goal(d.name+": `promtool tsdb analyze` / `sentei overview`, wall", times(theirs.wall, x.of(d, overview).wall), "≥ 300× from 5 M on")
	x.goal(d.name+": the same, CPU", times(theirs.cpu, x.of(d, overview).cpu), "–")
	x.goal(d.name+": series a second and core, all what-ifs, 1 worker", fmt.Sprintf("%.1f M", 1000/x.perSeries(d, oneWorker)), "≥ 8 M")
	x.goal(d.name+": memory of the scan with 1 worker, without what is of files, a series",
		fmt.Sprintf("%.1f B", float64(x.of(d, oneWorker).anonymous)/float64(d.series)), "≤ 20 B at 10 M")
	x.goal(d.name+": memory with files, scan / `promtool tsdb analyze`", fmt.Sprintf("%.2f", float64(ours.resident)/float64(theirs.resident)), "≤ 0.25 at 10 M")
	x.goal(d.name+": sets of labels to remove, for all metrics, CPU a series on top", fmt.Sprintf("%.2f µs", (x.perSeries(d, reductions)-x.perSeries(d, scan))/1000), "≤ 1 µs")
}

// whatIf compares one scan with as many queries as there are label names, each
// of which tells for all metrics how many series remain without the label.
func (x *bench) whatIf(b *testing.B, d *data) {
	l, err := tsdbscan.List(d.dir)
	if err != nil {
		b.Fatal(err)
	}
	o, err := tsdbscan.ReadOverview(&l.Blocks[0], 1)
	if err != nil {
		b.Fatal(err)
	}
	server := promtest.ServeBlocks(b, promtest.Prometheus3, d.dir)
	query := url.Values{"query": {`count(sum without (le) ({__name__!=""}))`}, "time": {fmt.Sprint(start/1000 + 7199)}}
	var c command
	for range *rounds {
		before := serverCPU(b, server)
		get(b, server+"/api/v1/query?"+query.Encode())
		c.runs = append(c.runs, usage{cpu: serverCPU(b, server) - before})
	}
	one := c.median().cpu
	labels := len(o.Labels) - 1 // __name__ is none
	x.goal(fmt.Sprintf("%s: what-if of %d label names by PromQL (%.3g s in the server each) / scan, CPU", d.name, labels, one.Seconds()),
		times(time.Duration(labels)*one, x.of(d, scan).cpu), "≥ 1000×")
}

func get(b *testing.B, url string) string {
	b.Helper()
	resp, err := http.Get(url)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		b.Fatalf("%s: %s: %v %s", url, resp.Status, err, body)
	}
	return string(body)
}

// serverCPU is what the server has used so far.
func serverCPU(b *testing.B, server string) time.Duration {
	b.Helper()
	for line := range strings.Lines(get(b, server+"/metrics")) {
		if value, ok := strings.CutPrefix(line, "process_cpu_seconds_total "); ok {
			seconds, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				b.Fatal(err)
			}
			return time.Duration(seconds * float64(time.Second))
		}
	}
	b.Fatal("the server does not tell its CPU time")
	return 0
}
