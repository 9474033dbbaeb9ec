package querylog

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/querylog/loggen"
)

// checkFast fails when the short way reads a line other than the full one
// does. It reports whether the line took the short way.
func checkFast(t *testing.T, table *table, line []byte) bool {
	t.Helper()
	line, _, _ = bytes.Cut(line, []byte("\n"))
	var fast fastEntry
	n := table.fastLine(append(bytes.Clone(line), "\n{}\n"...), &fast)
	if n == 0 {
		return false
	}
	text, sound := unescape(string(fast.query))
	if !sound {
		return false
	}
	if n != len(line)+1 {
		t.Fatalf("%q: %d bytes of %d were read", line, n, len(line)+1)
	}
	var full entry
	p, err := lineParser(FormatAuto)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.full(line, &full); err != nil {
		t.Fatalf("%q: the short way reads what is broken: %v", line, err)
	}
	got := entry{texts: []string{text}, lang: sentei.PromQL, time: fast.time, origin: *fast.origin}
	if diff := cmp.Diff(full, got, cmp.AllowUnexported(entry{}, origin{})); diff != "" {
		t.Fatalf("%q: (-full +short)\n%s", line, diff)
	}
	return true
}

// usualLines are lines that must take the short way.
func usualLines(t *testing.T) [][]byte {
	t.Helper()
	var log bytes.Buffer
	for _, version := range []int{0, 2, 3} {
		if _, err := loggen.Write(&log, loggen.Options{Bytes: 100 << 10, Texts: 200, Version: version}); err != nil {
			t.Fatal(err)
		}
	}
	lines := bytes.Split(bytes.TrimSpace(log.Bytes()), []byte("\n"))
	for _, l := range []string{lineV2Rule, lineV2HTTP, lineV3HTTP, lineV3Rule} {
		lines = append(lines, []byte(l))
	}
	return lines
}

func TestUsualLinesAreFast(t *testing.T) {
	table := newTable()
	for _, line := range usualLines(t) {
		if !checkFast(t, table, line) {
			t.Errorf("%s: does not take the short way", line)
		}
	}
}

// Lines that are nearly the usual ones are where two readers differ.
func TestMutatedLines(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	lines := append(usualLines(t), []byte(lineFailed))
	table := newTable()
	fast := 0
	const rounds = 200_000
	for range rounds {
		if checkFast(t, table, mutate(rnd, lines)) {
			fast++
		}
	}
	if fast < rounds/20 || fast > rounds-rounds/20 {
		t.Errorf("%d of %d lines took the short way: the test says little", fast, rounds)
	}
}

// mutate returns one of the lines, changed in one place or a few.
func mutate(rnd *rand.Rand, lines [][]byte) []byte {
	pieces := []string{
		`"`, `\`, `\\`, `\"`, `,`, `:`, `{`, `}`, `{}`, `null`, `0`, `-`, `.`, `e`, `E+5`, `00`, ` `, "\t", "\x00", "\x1f", "\x7f",
		"\xff", "\u2028", `\u00e9`, `\ud800`, `\x`, `"ts":"2026-11-22T18:36:44.068Z",`, `"error":"e",`, `"time":1,`,
		`"ruleGroup":{"file":"","name":""},`, `"ruleGroup":{"file":"a","name":"b"},`, `"Params":{"query":"x"},`, `"query":"x",`,
		`Z`, `+01:00`, `-00:00`, `1970-01-01T00:00:00Z`, `[1,2]`, `"x":{"y":1},`, "\r", "\n", "é", "# sentei",
	}
	b := bytes.Clone(lines[rnd.IntN(len(lines))])
	for range 1 + rnd.IntN(3) {
		i := rnd.IntN(len(b))
		j := min(len(b), i+1+rnd.IntN(1+rnd.IntN(30)))
		switch rnd.IntN(7) {
		case 0: // change a byte
			b[i] = byte(rnd.IntN(256))
		case 1: // change a bit, which turns digits into digits
			b[i] ^= 1 << rnd.IntN(3)
		case 2: // remove
			b = append(b[:i], b[j:]...)
		case 3: // insert
			b = append(b[:i:i], append([]byte(pieces[rnd.IntN(len(pieces))]), b[i:]...)...)
		case 4: // replace
			b = append(b[:i:i], append([]byte(pieces[rnd.IntN(len(pieces))]), b[j:]...)...)
		case 5: // double
			b = append(b[:j:j], b[i:]...)
		case 6: // end of another line
			other := lines[rnd.IntN(len(lines))]
			b = append(b[:i:i], other[min(i, len(other)):]...)
		}
		if len(b) == 0 {
			return b
		}
	}
	return b
}

func TestSkipEscaped(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 200_000 {
		b := make([]byte, rnd.IntN(40))
		for i := range b {
			b[i] = `\\"a`[rnd.IntN(4)]
		}
		want := -1
		for i := 0; i < len(b); i++ {
			if b[i] == '\\' {
				i++
			} else if b[i] == '"' {
				want = i + 1
				break
			}
		}
		if got := skipEscaped(b, 0); got != want {
			t.Fatalf("skipEscaped(%q) = %d, want %d", b, got, want)
		}
	}
}

// A query that is no sound JSON string shows late, after its line and some
// further ones have been taken for usual.
func TestUnsoundQueries(t *testing.T) {
	good := lineV3Rule + "\n"
	for name, tt := range map[string]struct {
		query  string
		broken int64 // lines
	}{
		"bad escape":         {query: `up\x`, broken: 1},
		"bad Unicode escape": {query: `up\u12`, broken: 1},
		"tab":                {query: "up\t", broken: 1},
		"newline":            {query: "up\ndown", broken: 2},
		"sound":              {query: `up\u0020\t`},
	} {
		t.Run(name, func(t *testing.T) {
			bad := strings.Replace(lineV3HTTP, "sum by", tt.query, 1) + "\n"
			text := strings.Repeat(good, 3) + bad + good + bad + strings.Repeat(good, 40) + bad
			res := readAll(t, Options{Patterns: []string{put(t, t.TempDir(), "query.log", text)}})
			lines := int64(strings.Count(text, "\n"))
			want := Counts{Bytes: int64(len(text)), Lines: lines, Broken: 3 * tt.broken}
			want.Used = lines - want.Broken
			want.Entries = want.Used
			if res.Counts != want {
				t.Errorf("counts %+v, want %+v", res.Counts, want)
			}
			if tt.broken > 0 && res.Files[0].FirstBroken[0].Line != 4 {
				t.Errorf("%+v, want line 4 first", res.Files[0].FirstBroken)
			}
		})
	}
}

func FuzzLine(f *testing.F) {
	for _, line := range []string{
		lineV2Rule, lineV2HTTP, lineV3HTTP, lineV3Rule, lineFailed, lineMimir, lineSeries, lineThanos, lineVM, lineVMStat,
		`{"log":"ts=2026-11-22T18:00:00Z msg=\"query stats\" path=/p param_query=up\n","stream":"stdout","time":"2026-11-22T18:00:01Z"}`,
		`{"ts":"2026-11-22T18:00:00Z","msg":"slow query according to -search.logSlowQueryDuration=1ns: requestURI: \"/api/v1/series?match[]=up\""}`,
	} {
		f.Add([]byte(line))
		f.Add([]byte("2026-11-22T18:00:00Z stderr F " + line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		for _, format := range Formats() {
			p, err := lineParser(format)
			if err != nil {
				t.Fatal(err)
			}
			var e entry
			if err := p.full(line, &e); err == nil && len(e.texts) == 0 && !e.blind {
				t.Errorf("%s: %q: an entry without a text", format, line)
			}
		}
		checkFast(t, newTable(), line)
	})
}
