package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/olekukonko/tablewriter/pkg/twwidth"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/sentei/sentei/internal/config"
	"github.com/sentei/sentei/internal/number"
	"github.com/sentei/sentei/internal/source"
)

const (
	progressAfter = time.Second // work that takes less shows none
	progressEvery = 200 * time.Millisecond

	clearLine = "\r\x1b[K"
)

// progressLine is the last line of a terminal, overwritten again and again to
// tell how far long work has come. What else goes to the terminal is written
// through it. The methods of a nil one, which stands for no terminal, do
// nothing, but Write.
type progressLine struct {
	w     io.Writer
	width func() int // of the terminal
	now   func() time.Time
	begin time.Time

	mu    sync.Mutex
	shown bool
}

// newProgressLine returns the line of the command's stderr, nil if that is no
// terminal or if a program is to read it.
func newProgressLine(cmd *cobra.Command, log config.Log) *progressLine {
	f, ok := cmd.ErrOrStderr().(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || os.Getenv("TERM") == "dumb" || log.Format == "json" {
		return nil
	}
	width := func() int {
		w, _, err := term.GetSize(int(f.Fd()))
		if err != nil {
			return 80
		}
		return w
	}
	return &progressLine{w: f, width: width, now: time.Now, begin: time.Now()}
}

// Write writes lines of a log.
func (p *progressLine) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	return p.w.Write(b)
}

func (p *progressLine) clear() {
	if p.shown {
		io.WriteString(p.w, clearLine) //nolint:errcheck // nothing can be done about a terminal that is gone
		p.shown = false
	}
}

// watch shows what progress returns until the function that it returns is
// called.
func (p *progressLine) watch(progress func() []source.Progress) (stop func()) {
	if p == nil {
		return func() {}
	}
	end := source.Every(progressEvery, func() { p.draw(progress()) })
	return func() {
		end()
		p.mu.Lock()
		defer p.mu.Unlock()
		p.clear()
	}
}

// draw shows how far the sources have come.
func (p *progressLine) draw(all []source.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	took := now.Sub(p.begin)
	if took < progressAfter {
		return
	}
	text := took.Truncate(time.Second).String()
	if left, ok := remaining(all, now); ok {
		text += fmt.Sprintf(", about %s left", max(left.Round(time.Second), time.Second))
	}
	fmt.Fprint(p.w, clearLine+fit(text+" · "+describe(all), p.width()-1))
	p.shown = true
}

// fit cuts the text to the width.
func fit(text string, width int) string {
	if twwidth.Width(text) <= width {
		return text
	}
	r := []rune(text)
	for len(r) > 0 && twwidth.Width(string(r)) >= width {
		r = r[:len(r)-1]
	}
	return string(r) + "…"
}

// describe says what is being read.
func describe(all []source.Progress) string {
	several, waiting := false, 0
	for _, s := range all {
		several = several || s.Backend != all[0].Backend
		if s.State == source.Waiting {
			waiting++
		}
	}
	var parts []string
	for _, s := range all {
		if s.State != source.Reading {
			continue
		}
		name := s.Source
		if several && s.Backend != "" {
			name = s.Backend + "/" + name
		}
		parts = append(parts, shown(name)+describeOne(&s))
	}
	if len(parts) == 0 {
		return "analyzing"
	}
	if waiting > 0 {
		parts = append(parts, fmt.Sprintf("%d waiting", waiting))
	}
	return strings.Join(parts, " · ")
}

func describeOne(s *source.Progress) string {
	done, total, unit := number.Count(s.Done), number.Count(s.Total), s.Unit
	if unit == "bytes" {
		done, total, unit = mebibytes(s.Done), mebibytes(s.Total), "MiB"
	}
	switch {
	case s.Unit == "":
		return ""
	case s.Total <= 0:
		return fmt.Sprintf(" %s %s", done, unit)
	}
	ratio, _ := s.Ratio()
	return fmt.Sprintf(" %s of %s %s %d%%", done, total, unit, int(100*ratio))
}

func mebibytes(n int64) string { return strconv.FormatFloat(float64(n)/(1<<20), 'f', 1, 64) }

// remaining estimates how long all sources will take, from the one that needs
// longest. There is no estimate when one is waiting, or its size is not known.
func remaining(all []source.Progress, now time.Time) (time.Duration, bool) {
	const enough = 0.02 // to know how fast it is
	var longest time.Duration
	for _, s := range all {
		if s.State == source.Ended {
			continue
		}
		ratio, known := s.Ratio()
		if !known || ratio < enough {
			return 0, false
		}
		longest = max(longest, time.Duration(float64(now.Sub(s.Began))*(1-ratio)/ratio))
	}
	return longest, longest > 0
}
