//go:build e2e

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/store"
)

// TestReview does in a browser what a reviewer does: opens the page, filters,
// opens a metric and its proposal, accepts it, downloads the patch, applies it
// with git, and sees the proposal accepted.
func TestReview(t *testing.T) {
	url := serveReviewed(t)
	tab := openBrowser(t)
	problems := listen(tab)
	downloads := t.TempDir()

	var heading, metric, state, history string
	walk(t, tab, "open and filter",
		browser.SetDownloadBehavior(browser.SetDownloadBehaviorBehaviorAllow).WithDownloadPath(downloads),
		chromedp.Navigate(url),
		chromedp.Text("h1", &heading),
		chromedp.Click(`nav a[href$="ui/metrics"]`),
		chromedp.WaitVisible(`input[name=q]`),
		chromedp.SendKeys(`input[name=q]`, "shop_cart_ev\r"),
		chromedp.WaitNotPresent(`tbody tr:nth-child(20)`),
		chromedp.Click(`tbody .name a`),
		chromedp.WaitVisible(`#readers`),
		chromedp.Text("h1", &metric),
	)
	if !strings.Contains(heading, "Nobody is known to read") || metric != "shop_cart_events_total" {
		t.Errorf("the overview says %q, the metric is %q", heading, metric)
	}
	walk(t, tab, "decide",
		chromedp.Click(`.proposals .name a`),
		chromedp.WaitVisible(`form.decide`),
		chromedp.SendKeys(`input[name=by]`, "Ana Marín"),
		chromedp.SendKeys(`textarea[name=reason]`, "nobody asked for it in a year"),
		chromedp.Click(`button[value=accepted]`),
		chromedp.WaitVisible(`.history`),
		chromedp.Text(".origin .state-of", &state),
		chromedp.Text(".history ol", &history),
	)
	if state != "accepted" || !strings.Contains(history, "Ana Marín") {
		t.Errorf("the proposal is %q, its history %q", state, history)
	}
	walk(t, tab, "download the patch",
		chromedp.Click(`nav a[href$="ui/relabel"]`),
		chromedp.Click(`//nav[@class="tabs"]//a[text()="patch"]`),
		chromedp.WaitVisible(`.code .added`),
		chromedp.Click(`a.button[download]`),
	)
	var patch []byte
	eventually(t, "the patch", func() (err error) {
		patch, err = os.ReadFile(filepath.Join(downloads, "sentei-diff.diff"))
		return err
	})
	before, after := applyPatch(t, patch)
	if !strings.Contains(string(patch), "shop_cart_events_total") || strings.Count(after, "\n")-strings.Count(before, "\n") > 12 {
		t.Errorf("the patch is\n%s", patch)
	}
	var accepted struct{ Data struct{ Total int } }
	if err := getJSON(url+"api/v1/proposals?state=accepted", &accepted); err != nil || accepted.Data.Total != 1 {
		t.Errorf("%d proposals are accepted, %v", accepted.Data.Total, err)
	}

	paths := reviewPaths(t, url)
	readWithoutScripts(t, tab, url)
	for _, width := range []int64{1280, 400} {
		for _, scheme := range []string{"light", "dark"} {
			for name, path := range paths {
				look(t, tab, url+path, fmt.Sprintf("%s-%d-%s.png", name, width, scheme), width, scheme)
			}
		}
	}
	lookAtReport(t, tab, url)
	if p := problems(); len(p) > 0 {
		t.Errorf("the browser complains:\n%s", strings.Join(p, "\n"))
	}
}

// lookAtReport opens the HTML report from disk, and prints it: in a dark
// browser, too, it is light on paper, the evidence is open, and nothing sticks
// out at the side.
func lookAtReport(t *testing.T, tab context.Context, url string) {
	t.Helper()
	resp, err := http.Get(url + "report/html")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, width := range []int64{1280, 400} {
		for _, scheme := range []string{"light", "dark"} {
			look(t, tab, "file://"+path, fmt.Sprintf("report-%d-%s.png", width, scheme), width, scheme)
		}
	}
	var over float64
	var background string
	var open bool
	var paper []byte
	walk(t, tab, "print",
		emulation.SetDeviceMetricsOverride(690, 900, 1, false), // A4 within its margins
		emulation.SetEmulatedMedia().WithMedia("print").WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}),
		chromedp.Evaluate(`document.documentElement.scrollWidth - document.documentElement.clientWidth`, &over),
		chromedp.Evaluate(`getComputedStyle(document.body).backgroundColor`, &background),
		chromedp.Evaluate(`document.querySelector("tbody[id] .evidence").checkVisibility({contentVisibilityAuto: true})`, &open),
		emulation.SetEmulatedMedia(),
		chromedp.ActionFunc(func(ctx context.Context) (err error) {
			paper, _, err = page.PrintToPDF().WithPrintBackground(true).Do(ctx)
			return err
		}),
	)
	if over > 0 || background != "rgb(255, 255, 255)" || !open || !strings.HasPrefix(string(paper), "%PDF-") {
		t.Errorf("in print %.0f pixels stick out, the background is %s, evidence is open: %v", over, background, open)
	}
}

// serveReviewed runs the daemon with a store on the sample data.
func serveReviewed(t *testing.T) (url string) {
	t.Helper()
	dir := t.TempDir()
	data, err := filepath.Abs("../../testdata")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(data, filepath.Join(dir, "testdata")); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	config := strings.NewReplacer("127.0.0.1:9817", address, "path: \"\"", "path: store.db").Replace(string(text))
	if err := os.WriteFile(filepath.Join(dir, "sentei.yml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	keepEarlier(t, dir)
	serveSentei(t, dir, "--scan.schedule=@yearly")
	url = "http://" + address + "/"
	eventually(t, "the first report", func() error { return getJSON(url+"api/v1/report/latest", nil) })
	return url
}

// keepEarlier keeps reports of the weeks before in the store: less was stored,
// and less of it was unused.
func keepEarlier(t *testing.T, dir string) {
	t.Helper()
	now := reportOf(t, dir)
	st, err := store.Open(t.Context(), filepath.Join(dir, "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	for age := 42; age > 0; age-- {
		before := *now
		before.At = now.At.Add(-time.Duration(age) * 24 * time.Hour)
		before.Metrics = slices.Clone(now.Metrics)
		before.Proposals, before.Consumers = nil, nil
		for i := range before.Metrics {
			m := &before.Metrics[i]
			factor := 1 + float64((age*7+i)%5)/100
			if m.Verdict == sentei.Unused {
				factor = 0.4 + 0.6*float64(42-age)/42
			}
			m.Cost.Series, m.PerMonth = int64(math.Round(float64(m.Cost.Series)*factor)), m.PerMonth*factor
		}
		if _, err := st.SaveReport(t.Context(), &before); err != nil {
			t.Fatal(err)
		}
	}
}

func getJSON(url string, into any) error {
	resp, err := http.Get(url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

// openBrowser starts a browser with an empty profile and returns a tab of it.
func openBrowser(t *testing.T) context.Context {
	t.Helper()
	options := slices.Concat(chromedp.DefaultExecAllocatorOptions[:], []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(binary(t, "SENTEI_TEST_CHROMIUM")), chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
	})
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	ctx, stop := chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(stop)
	ctx, shut := chromedp.NewContext(ctx)
	t.Cleanup(shut)
	return ctx
}

// listen returns a function that tells what the browser has complained about:
// exceptions of scripts, and what the content security policy refused.
func listen(tab context.Context) func() []string {
	var all []string
	chromedp.ListenTarget(tab, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			all = append(all, e.ExceptionDetails.Error())
		case *log.EventEntryAdded:
			if e.Entry.Level == log.LevelError || e.Entry.Level == log.LevelWarning {
				all = append(all, e.Entry.Text+" "+e.Entry.URL)
			}
		}
	})
	return func() []string { return all }
}

func walk(t *testing.T, tab context.Context, what string, actions ...chromedp.Action) {
	t.Helper()
	if err := chromedp.Run(tab, actions...); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// applyPatch applies the patch to a copy of the configuration, as a user does.
func applyPatch(t *testing.T, patch []byte) (before, after string) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "testdata", "prometheus.yml")
	text, err := os.ReadFile("../../testdata/prometheus.yml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("git", "apply")
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(string(patch))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git apply: %v: %s\n%s", err, out, patch)
	}
	changed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text), string(changed)
}

// reviewPaths names every page.
func reviewPaths(t *testing.T, url string) map[string]string {
	t.Helper()
	var proposals struct {
		Data struct{ Items []struct{ ID string } }
	}
	if err := getJSON(url+"api/v1/proposals?state=accepted", &proposals); err != nil || len(proposals.Data.Items) == 0 {
		t.Fatalf("no proposal: %v", err)
	}
	return map[string]string{
		"overview": "", "metrics": "ui/metrics", "metric": "ui/metric/demo/http_request_duration_seconds_bucket",
		"proposals": "ui/proposals", "proposal": "ui/proposals/" + proposals.Data.Items[0].ID,
		"relabel": "ui/relabel?dialect=prometheus&state=accepted", "findings": "ui/findings", "problems": "ui/problems", "reports": "ui/reports",
	}
}

// readWithoutScripts filters with scripts turned off.
func readWithoutScripts(t *testing.T, tab context.Context, url string) {
	t.Helper()
	var sums string
	walk(t, tab, "read without scripts",
		emulation.SetScriptExecutionDisabled(true),
		chromedp.Navigate(url+"ui/metrics"),
		chromedp.SendKeys(`input[name=q]`, "go_memstats"),
		chromedp.Click(`.filter button`),
		chromedp.WaitNotPresent(`tbody tr:nth-child(45)`),
		chromedp.Text(".sums", &sums),
		emulation.SetScriptExecutionDisabled(false),
	)
	if !strings.Contains(sums, "metrics") {
		t.Errorf("the sums are %q", sums)
	}
}

// look opens a page at a width and in a color scheme. Nothing may stick out at
// the side. With SENTEI_TEST_SCREENSHOTS set, a picture is kept in that folder.
func look(t *testing.T, tab context.Context, url, file string, width int64, scheme string) {
	t.Helper()
	var over float64
	var picture []byte
	walk(t, tab, "look at "+url,
		emulation.SetDeviceMetricsOverride(width, 900, 1, false),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
		chromedp.Navigate(url),
		chromedp.Evaluate(`document.documentElement.scrollWidth - document.documentElement.clientWidth`, &over),
	)
	if over > 0 {
		t.Errorf("%s: %.0f pixels stick out at a width of %d", url, over, width)
	}
	folder := os.Getenv("SENTEI_TEST_SCREENSHOTS")
	if folder == "" {
		return
	}
	walk(t, tab, "picture of "+url, chromedp.FullScreenshot(&picture, 100))
	if err := os.WriteFile(filepath.Join(folder, file), picture, 0o644); err != nil {
		t.Fatal(err)
	}
}
