package notify

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"github.com/sentei/sentei/internal/source"
)

var testNow = time.Date(2026, 11, 23, 9, 0, 7, 0, time.UTC)

// build makes a channel of a kind from YAML, with dir as the folder of the
// configuration file.
func build(kind, dir, text string) (Channel, error) {
	for _, i := range All() {
		if i.Kind == kind {
			var node yaml.Node
			if err := yaml.Unmarshal([]byte(text), &node); err != nil {
				return nil, err
			}
			env := source.Env{Name: kind, Dir: dir, Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return testNow }}
			return i.Build(node.Content[0], env)
		}
	}
	return nil, errors.New("no such kind")
}

func channel(t *testing.T, kind, text string) Channel {
	t.Helper()
	c, err := build(kind, t.TempDir(), text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// message returns a message with everything in it.
func message() *Message {
	growth, money := int64(1200), 3.5
	return &Message{
		Key: "5f2c9d", Report: "weekly", Part: "owner payments", At: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC),
		Title: "Payments: 1,200 more series <than> last week & \"more\"",
		Text: "**1,200 series** came since Monday.\n\n- `http_requests_total{path=~\"a|b\"}` grew by 900\n" +
			"- [checkout <a>](https://sentei.example.com/ui/metric/a?b=1&c=2) is new\n\n| metric | series |\n|---|--:|\n| a\\_b | 12 |\n",
		Link: "https://sentei.example.com/ui/reports/1?a=b&c=d",
		Facts: Facts{Backends: []string{"main"}, Currency: "EUR", Series: 360_000, PerMonth: 420, SeriesGrowth: &growth,
			PerMonthGrowth: &money, Proposals: 3, SavingSeries: 9000, SavingPerMonth: 12, BlockingProblems: 1},
		Files: []File{
			{Name: "report.html", ContentType: "text/html; charset=utf-8", Body: []byte("<p>the report</p>")},
			{Name: "report.csv", ContentType: "text/csv; charset=utf-8", Body: []byte("metric,series\na,1\n")},
		},
		Relabel: "- drop `a`",
		Edits:   []Edit{{Path: "prometheus/prometheus.yml", Old: []byte("old\n"), New: []byte("new\n")}},
	}
}

var update = flag.Bool("update", false, "write the golden files again")

// golden compares with a file in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s: %s", path, diff)
	}
}

// digest returns a message with the text of a report as it is written.
func digest(t *testing.T) *Message {
	t.Helper()
	text, err := os.ReadFile("testdata/text.md")
	if err != nil {
		t.Fatal(err)
	}
	m := message()
	m.Link = "https://sentei.example.com/"
	m.Title, m.Text, _ = strings.Cut(string(text), "\n\n")
	m.Facts.Series, m.Facts.PerMonth = 1_390_802, 9132.89
	return m
}

// outcome describes the error of a delivery: its kind and its text.
func outcome(err error) string {
	if err == nil {
		return "taken"
	}
	if e, ok := errors.AsType[*Later](err); ok {
		return "later " + e.After.String() + ": " + err.Error()
	}
	if _, ok := errors.AsType[*Refused](err); ok {
		return "refused: " + err.Error()
	}
	return "again: " + err.Error()
}

// closedPort returns an address where nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOptions(t *testing.T) {
	tests := []struct{ kind, yaml, want string }{
		{"files", "{}", "line 1: files: directory is missing"},
		{"files", "{directory: a, keep: -1}", "keep is -1"},
		{"files", "{directory: a, histroy: true}", "field histroy not found"},
		{"webhook", "{}", "set url, or url_file"},
		{"webhook", "{url: http://x, url_file: y}", "both url and url_file are set"},
		{"webhook", "{url: 'http://%zz/verysecret'}", "url cannot be parsed"},
		{"webhook", "{url: ftp://verysecret/}", "url is not an http or https address"},
		{"webhook", "{url: 'http://a:verysecret@x/'}", "url holds a user name"},
		{"webhook", "{url: 'http://x/#verysecret'}", "url has a fragment"},
		{"webhook", "{url: http://x, timeout: 0s}", "timeout must be more than 0s"},
		{"webhook", "{url: http://x, secret: a, secret_file: b}", "both secret and secret_file are set"},
		{"webhook", "{url: http://x, basic_auth: {username: a}, authorization: {credentials: b}}", "at most one of"},
	}
	for _, tt := range tests {
		_, err := build(tt.kind, "/nowhere", tt.yaml)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "verysecret") {
			t.Errorf("%s %s: %v, want %q", tt.kind, tt.yaml, err, tt.want)
		}
	}
}

func TestSeriesName(t *testing.T) {
	names := map[string]string{}
	for _, m := range []Message{
		{Report: "weekly"}, {Report: "weekly", Part: "owner payments"}, {Report: "weekly--owner-payments"}, {Report: "weekly-owner-payments"},
		{Report: "weekly", Part: "owner a b"}, {Report: "weekly", Part: "owner a-b"}, {Report: "../../etc"}, {Report: ".."}, {Report: "é"},
		{Report: "ü"}, {Report: "x.lock"}, {Report: "-"}, {Report: "a..b"}, {Report: "a\nb"}, {Report: strings.Repeat("x", 70)},
		{Report: strings.Repeat("x", 71)}, {Report: "weekly-", Part: "x"}, {Report: "weekly", Part: "-x"}, {Report: "weekly", Part: "x"},
	} {
		name := seriesName(&m)
		if other, ok := names[name]; ok || name == "" || strings.ContainsAny(name, "/\\ \n") || strings.Trim(name, ".-") != name ||
			strings.Contains(name, "..") || strings.HasSuffix(name, ".lock") {
			t.Errorf("%+v is named %q (as is %q)", m, name, other)
		}
		names[name] = m.Report + " " + m.Part
	}
	if got := seriesName(message()); got != "weekly--owner-payments" {
		t.Error(got)
	}
}

// canceled returns a context that has ended.
func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
