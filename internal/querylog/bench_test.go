package querylog

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sentei/sentei/internal/querylog/loggen"
)

var (
	benchBytes = byteSize(32 << 20)
	benchFile  = flag.String("querylog.file", "", "where the benchmarks put their log, or find it; empty for a temporary file")
	benchTexts = flag.Int("querylog.texts", 20_000, "distinct queries in the log of the benchmarks")
)

func TestMain(m *testing.M) {
	flag.Var(&benchBytes, "querylog.bytes", "size of the log of the benchmarks, such as 1GiB")
	flag.Parse()
	os.Exit(m.Run())
}

// byteSize is a flag such as 512MiB.
type byteSize int64

func (s *byteSize) String() string { return strconv.FormatInt(int64(*s), 10) }

func (s *byteSize) Set(text string) error {
	shift := 0
	for i, unit := range []string{"KiB", "MiB", "GiB"} {
		if digits, ok := strings.CutSuffix(text, unit); ok {
			text, shift = digits, 10*(i+1)
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	*s = byteSize(n << shift)
	return err
}

// benchLog returns the path of a log in the shape of Prometheus 3, and how
// many lines and bytes it has.
func benchLog(b *testing.B) (path string, lines, size int64) {
	b.Helper()
	path = *benchFile
	if path == "" {
		path = filepath.Join(b.TempDir(), "query.log")
	}
	if _, err := os.Stat(path); err != nil {
		f, err := os.Create(path)
		if err != nil {
			b.Fatal(err)
		}
		w := bufio.NewWriterSize(f, 1<<20)
		_, err = loggen.Write(w, loggen.Options{Bytes: int64(benchBytes), Texts: *benchTexts, Version: 3})
		if err := errors.Join(err, w.Flush(), f.Close()); err != nil {
			b.Fatal(err)
		}
	}
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	buf := make([]byte, 1<<20)
	for err == nil {
		var n int
		n, err = f.Read(buf)
		lines += int64(bytes.Count(buf[:n], []byte{'\n'}))
		size += int64(n)
	}
	return path, lines, size
}

// cpuTime returns the processor time that this process, or those that it has
// waited for, have used.
func cpuTime(b *testing.B, who int) time.Duration {
	b.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(who, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// measure runs read, which must find all lines of the log.
func measure(b *testing.B, who int, read func(path string) (lines int64, err error)) {
	path, lines, size := benchLog(b)
	b.SetBytes(size)
	b.ReportAllocs()
	before := cpuTime(b, who)
	for b.Loop() {
		got, err := read(path)
		if err != nil {
			b.Fatal(err)
		}
		if got != lines {
			b.Fatalf("%d lines, want %d", got, lines)
		}
	}
	cpu := cpuTime(b, who) - before
	perLine := float64(b.N) * float64(lines)
	b.ReportMetric(perLine/b.Elapsed().Seconds(), "lines/s")
	b.ReportMetric(float64(cpu.Nanoseconds())/perLine, "cpu-ns/line")
}

// BenchmarkRead compares the reader with encoding/json, which only takes the
// same fields out of every line, and with jq, which only prints the queries.
//
//	go test -bench Read ./internal/querylog -querylog.bytes=1GiB
func BenchmarkRead(b *testing.B) {
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("sentei/workers=%d", workers), func(b *testing.B) {
			measure(b, syscall.RUSAGE_SELF, func(path string) (int64, error) {
				res, err := Read(context.Background(), Options{Patterns: []string{path}, Workers: workers})
				if err != nil {
					return 0, err
				}
				return res.Counts.Used, nil
			})
		})
	}
	b.Run("encoding_json", func(b *testing.B) { measure(b, syscall.RUSAGE_SELF, readWithJSON) })
	b.Run("jq", func(b *testing.B) {
		jq, err := exec.LookPath("jq")
		if err != nil {
			b.Skip("jq is not installed")
		}
		measure(b, syscall.RUSAGE_CHILDREN, func(path string) (int64, error) { return readWithJQ(jq, path) })
	})
}

func readWithJSON(path string) (lines int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	s.Buffer(make([]byte, 1<<20), MaxLine)
	queries := map[string]int64{}
	for s.Scan() {
		var l prometheusLine
		if err := json.Unmarshal(s.Bytes(), &l); err != nil {
			return 0, err
		}
		queries[*l.Params.Query]++
		lines++
	}
	return lines, s.Err()
}

func readWithJQ(jq, path string) (lines int64, err error) {
	out, err := exec.Command(jq, "-c", ".params.query", path).Output()
	return int64(bytes.Count(out, []byte{'\n'})), err
}

// BenchmarkLine reads one line again and again: the time of the processor
// without that of memory and files.
func BenchmarkLine(b *testing.B) {
	for name, line := range map[string]string{"3.x request": lineV3HTTP, "3.x rule": lineV3Rule, "2.x": lineV2Rule, "error": lineFailed, "mimir": lineMimir, "victoriametrics": lineVM} {
		b.Run(name, func(b *testing.B) {
			p, err := lineParser(FormatAuto)
			if err != nil {
				b.Fatal(err)
			}
			w := newWorker(p)
			data := []byte(line + "\n")
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				w.readBlock(block{data: data})
			}
			if w.fileCounts.Broken > 0 {
				b.Fatal("the line is broken")
			}
		})
	}
}
