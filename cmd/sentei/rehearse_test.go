package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei/internal/remoteread/remotetest"
	"github.com/sentei/sentei/rules/rehearsal"
)

// TestRehearseSample holds the rehearsal against what testdata/README.md says
// of labels and buckets that can be taken away.
func TestRehearseSample(t *testing.T) {
	const (
		http, payment, coupons = "http_request_duration_seconds_bucket", "shop_payment_duration_seconds_bucket", "shop_coupon_redemptions_total"
		info, cpu, db          = "shop_pod_info", "node_cpu_seconds_total", "shop_db_query_duration_seconds_bucket"
	)
	tests := []struct {
		job, metric string
		strip       []string
		code        int
	}{
		{"shop", http, []string{"instance"}, exitOK},
		{"shop", http, []string{"method"}, exitFound},
		{"shop", http, []string{"code"}, exitFound},
		{"shop", http, []string{"path"}, exitFound},
		{"shop", payment, []string{"service", "pod"}, exitOK},
		{"shop", payment, []string{"service", "instance"}, exitOK},
		{"shop", payment, []string{"pod", "instance"}, exitFound}, // dead, but the series become one
		{"shop", payment, []string{"provider"}, exitFound},
		{"shop", coupons, []string{"service", "pod"}, exitOK},
		{"shop", coupons, []string{"campaign"}, exitFound},
		{"shop", info, []string{"node", "pod_ip", "uid", "instance"}, exitOK},
		{"shop", info, []string{"zone"}, exitFound},
		{"node", cpu, []string{"cpu"}, exitFound},
		{"shop", db, []string{"pod"}, exitOK},
		{"shop", db, []string{"operation"}, exitFound},
	}
	for _, tt := range tests {
		var rules strings.Builder
		for _, l := range tt.strip {
			fmt.Fprintf(&rules, "- {source_labels: [__name__], regex: %s, target_label: %s, replacement: ''}\n", tt.metric, l)
		}
		rehearseSample(t, tt.job, rules.String(), tt.code)
	}
	const bucket = "- {source_labels: [__name__, le], regex: '%s;(%s)', action: drop}\n"
	rehearseSample(t, "shop", fmt.Sprintf(bucket, db, `0\.001|0\.005|0\.01|0\.05|0\.1|0\.25|0\.5|1\.0|2\.5`), exitOK)
	rehearseSample(t, "shop", fmt.Sprintf(bucket, db, `0\.025`), exitFound)
	rehearseSample(t, "shop", fmt.Sprintf(bucket, http, `0\.025|0\.05|0\.1`), exitFound)
}

func rehearseSample(t *testing.T, job, rules string, want int) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "rules.yml")
	if err := os.WriteFile(file, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	args := []string{"rehearse", "--config.file=../../config.yaml", "--job", job, "--relabel", file, "--instants", "12", "--cutover=false"}
	if code := Run(context.Background(), args, nil, &stdout, &stderr); code != want {
		t.Errorf("%scode %d, want %d\n%s%s", rules, code, want, stdout.String(), stderr.String())
	}
	if strings.Contains(stdout.String(), " alter 0 series") {
		t.Errorf("%s alters nothing", rules)
	}
}

// TestRehearseServer rehearses over a server that has the sample data: given
// by its address, and as the only source of the backend.
func TestRehearseServer(t *testing.T) {
	blocks, err := filepath.Glob("../../testdata/tsdb/*/meta.json")
	if err != nil || len(blocks) != 1 {
		t.Fatal(blocks, err)
	}
	server := remotetest.Start(t, filepath.Dir(blocks[0]), remotetest.Options{ExternalLabels: labels.FromStrings("replica", "a")})
	dir := t.TempDir()
	rules := filepath.Join(dir, "rules.yml")
	text := "- {source_labels: [__name__], regex: shop_payment_duration_seconds_bucket, target_label: provider, replacement: ''}\n" +
		"- {source_labels: [__name__], regex: shop_pod_info, target_label: uid, replacement: ''}\n"
	if err := os.WriteFile(rules, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	rehearse := func(args ...string) (int, rehearsal.Result, string) {
		var stdout, stderr bytes.Buffer
		args = append([]string{"rehearse", "--config.file=../../config.yaml", "--job", "shop", "--relabel", rules, "-o", "json"}, args...)
		code := Run(context.Background(), args, nil, &stdout, &stderr)
		var res rehearsal.Result
		if err := json.Unmarshal(stdout.Bytes(), &res); err != nil && code == exitFound {
			t.Fatal(err)
		}
		return code, res, stderr.String()
	}
	blamed := func(res rehearsal.Result) []string {
		var out []string
		for _, d := range res.Differences {
			out = append(out, strings.Join(d.Changes, "+")+" "+d.Consumers[0].Name)
		}
		return out
	}
	code, want, message := rehearse()
	if code != exitFound {
		t.Fatal(code, message)
	}
	code, got, message := rehearse("--data", server.URL, "--window", "25m")
	if diff := cmp.Diff(blamed(want), blamed(got)); diff != "" || code != exitFound || server.Reads.Load() == 0 || got.To.Sub(got.From) != 25*time.Minute {
		t.Errorf("code %d, %s to %s, %s, -blocks +server\n%s", code, got.From, got.To, message, diff)
	}
	server2 := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server2.Close)
	if code, _, message := rehearse("--data", server2.URL); code != exitFailure || !strings.Contains(message, "remote read is not served there") {
		t.Errorf("code %d, %s", code, message)
	}
	if code, _, message := rehearse("--data", "http://user@host"); code != exitFailure || !strings.Contains(message, "basic_auth") {
		t.Errorf("code %d, %s", code, message)
	}
}
