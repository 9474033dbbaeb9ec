package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
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
	args := []string{"rehearse", "--config.file=../../config.yaml", "--job", job, "--relabel", file, "--instants", "12"}
	if code := Run(context.Background(), args, nil, &stdout, &stderr); code != want {
		t.Errorf("%scode %d, want %d\n%s%s", rules, code, want, stdout.String(), stderr.String())
	}
	if strings.Contains(stdout.String(), " alter 0 series") {
		t.Errorf("%s alters nothing", rules)
	}
}
