//go:build e2e

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
)

// TestReviewToTheEnd follows a proposal in a browser, beside a real Prometheus:
// from the metric that nobody reads to its acceptance, the download of the
// patch, git apply and the reload, until a later scan has seen that the series
// are gone, and the page says so.
func TestReviewToTheEnd(t *testing.T) {
	dir, downloads := t.TempDir(), t.TempDir()
	shop, address, own := serveShop(t), freeAddress(t), freeAddress(t)
	fill := strings.NewReplacer("SHOP", shop, "URL", "http://"+address)
	writeFiles(t, dir, map[string]string{
		"prometheus.yml": fill.Replace(rulesPrometheus), "rules.yml": intervalRules,
		"sentei.yml": fill.Replace(shopConfig) + "web: {listen_address: " + own + "}\nprices: {currency: EUR, per_thousand_series: 8}\n",
		"shop.json":  dashboard("shop_temperature", "shop_depth", "sum(shop_requests_total)", "up"),
	})
	prom := startPrometheus(t, dir, binary(t, "SENTEI_TEST_PROMETHEUS3"), address)
	eventually(t, "more than ten scrapes", func() error { return prom.has(`count_over_time(up{job="shop"}[1m]) > 10`) })
	serveSentei(t, dir, "--scan.schedule=@every 3s")
	url := "http://" + own + "/"
	eventually(t, "the first report", func() error { return getJSON(url+"api/v1/report/latest", nil) })

	tab := openBrowser(t)
	problems := listen(tab)
	var page, state string
	walk(t, tab, "accept",
		browser.SetDownloadBehavior(browser.SetDownloadBehaviorBehaviorAllow).WithDownloadPath(downloads),
		chromedp.Navigate(url+"ui/metrics?q=shop_noise"),
		chromedp.Click(`tbody .name a`),
		chromedp.WaitVisible(`.proposals .name a`),
		chromedp.Click(`.proposals .name a`),
		chromedp.WaitVisible(`form.decide`),
		chromedp.SendKeys(`input[name=by]`, "Ana"),
		chromedp.Click(`button[value=accepted]`),
		chromedp.WaitVisible(`.history`),
		chromedp.Location(&page),
		chromedp.Text(".origin .state-of", &state),
	)
	if state != "accepted" {
		t.Errorf("the proposal is %q", state)
	}
	walk(t, tab, "download",
		chromedp.Click(`nav a[href$="ui/relabel"]`),
		chromedp.Click(`//nav[@class="tabs"]//a[text()="patch"]`),
		chromedp.WaitVisible(`.code .added`),
		chromedp.Click(`a.button[download]`),
	)
	eventually(t, "the patch", func() error {
		patch, err := os.ReadFile(filepath.Join(downloads, "sentei-diff.diff"))
		if err == nil && !strings.Contains(string(patch), "shop_noise") {
			err = fmt.Errorf("it is %s", patch)
		}
		return err
	})
	apply := exec.Command("git", "apply", filepath.Join(downloads, "sentei-diff.diff"))
	apply.Dir = dir
	if out, err := apply.CombinedOutput(); err != nil {
		t.Fatalf("git apply: %v: %s", err, out)
	}
	if err := prom.reload(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the series are gone", func() error { return prom.hasNot("shop_noise") })
	var title, figures string
	eventually(t, "the page says that it was carried out", func() error {
		walk(t, tab, "look again", chromedp.Navigate(page), chromedp.WaitVisible(".origin .state-of"),
			chromedp.Text(".origin .state-of", &state), chromedp.Text("h1", &title), chromedp.Text("main", &figures))
		if state != "verified" {
			return fmt.Errorf("the state is %q", state)
		}
		return nil
	})
	if !strings.Contains(title, "shop_noise") || !strings.Contains(figures, "seen carried out on") {
		t.Errorf("the page is about %q and says %q", title, figures)
	}
	// The metric is gone, its trend is not.
	var trend struct {
		Data []struct{ Series int64 }
	}
	if err := getJSON(url+"api/v1/metrics/live/shop_noise/trend", &trend); err != nil || len(trend.Data) == 0 || trend.Data[len(trend.Data)-1].Series != shopNoise {
		t.Fatalf("the trend is %v, %v", trend, err)
	}
	var overview string
	walk(t, tab, "overview", chromedp.Navigate(url), chromedp.WaitVisible("#trend"), chromedp.Text("main", &overview))
	if !strings.Contains(overview, "verified") {
		t.Errorf("the overview does not say what was verified: %s", overview)
	}
	if p := problems(); len(p) > 0 {
		t.Errorf("the browser complains:\n%s", strings.Join(p, "\n"))
	}
}
