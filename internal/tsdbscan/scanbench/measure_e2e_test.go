//go:build e2e && linux

package main

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// usage is what one run of a process took.
type usage struct {
	cpu, wall time.Duration // cpu is user and system time
	anonymous int64         // highest memory that is not a file's, in bytes
	resident  int64         // highest memory altogether, as Linux counts it
}

// command is a process to measure.
type command struct {
	name string
	args []string
	runs []usage
}

// alternate runs the commands one after the other, again and again, so that
// what else the machine does meets all of them. The blocks that they read are in
// the page cache.
func alternate(b *testing.B, rounds int, d *data, commands []*command) {
	b.Helper()
	for range rounds {
		for _, c := range commands {
			d.warm(b)
			c.runs = append(c.runs, process(b, c.args))
		}
	}
}

// median is the median of each part over all runs.
func (c *command) median() usage {
	return usage{
		cpu:       middle(c.runs, func(u usage) time.Duration { return u.cpu }),
		wall:      middle(c.runs, func(u usage) time.Duration { return u.wall }),
		anonymous: middle(c.runs, func(u usage) int64 { return u.anonymous }),
		resident:  middle(c.runs, func(u usage) int64 { return u.resident }),
	}
}

func middle[T cmp.Ordered](runs []usage, part func(usage) T) T {
	var all []T
	for _, u := range runs {
		all = append(all, part(u))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

func process(b *testing.B, args []string) usage {
	b.Helper()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(b.Context(), args[0], args[1:]...)
	cmd.Stderr = &stderr
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	ended, peak := make(chan struct{}), make(chan usage)
	go func() { peak <- watchMemory(cmd.Process.Pid, ended) }()
	err := cmd.Wait()
	wall := time.Since(begin)
	close(ended)
	u := <-peak
	if err != nil {
		b.Fatalf("%s: %v: %s", strings.Join(args, " "), err, stderr.String())
	}
	u.wall, u.cpu = wall, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()
	return u
}

// watchMemory looks at a process every few milliseconds until it has ended.
// The kernel remembers the peak of all memory, but not that of a part, and
// counts that of this process in until the other one has begun.
func watchMemory(pid int, ended <-chan struct{}) usage {
	var peak usage
	ticker := time.NewTicker(3 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ended:
			return peak
		case <-ticker.C:
			status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
			if err != nil {
				continue
			}
			peak.anonymous = max(peak.anonymous, kilobytes(status, "RssAnon:"))
			peak.resident = max(peak.resident, kilobytes(status, "VmHWM:"))
		}
	}
}

// kilobytes returns the bytes that a line of /proc/PID/status tells, 0 when it
// is not there.
func kilobytes(status []byte, field string) int64 {
	_, rest, _ := bytes.Cut(status, []byte(field))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	var n int64
	fmt.Sscan(string(line), &n)
	return n << 10
}
