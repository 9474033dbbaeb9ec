package usage

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDeclared(t *testing.T) {
	tests := map[string]struct {
		options string
		want    []string
	}{
		"all forms": {`consumers:
  - selector: '{__name__=~"billing_.*"}'
    reason: read by the invoice run
    owner: finance
    labels: [customer, service.name]
  - selector: up{job="node"}
    reason: federated
  - selector: build_info
    reason: somebody looks whether it is there
    labels: []
  - expr: sum by (zone) (rate(http_requests_total[5m]))
    reason: autoscaler
    lang: metricsql
`, []string{
			`declared finance [configuration:2]: group by (customer, "service.name") ({__name__=~"billing_.*"}) because read by the invoice run`,
			`declared up{job="node"} [configuration:6]: up{job="node"} because federated`,
			`declared build_info [configuration:8]: group by () (build_info) because somebody looks whether it is there`,
			`declared sum by (zone) (rate(http_requests_total[5m])) [configuration:11]: sum by (zone) (rate(http_requests_total[5m])) (metricsql) because autoscaler`,
		}},
		"none": {"consumers: []", []string{"error: line 1: declared: consumers: at least one is needed"}},
		"no reason": {"consumers:\n- selector: up\n- expr: up\n  reason: x\n", []string{
			"error: line 2: declared consumer: a reason is needed: why it reads, and who says so"}},
		"both": {"consumers:\n- {selector: up, expr: up, reason: x}", []string{
			"error: line 2: declared consumer: either selector or expr is needed"}},
		"neither": {"consumers:\n- {selector: ' ', labels: ['']}\n- {lang: x, expr: up, labels: [a], reason: ' '}", []string{
			"error: line 2: declared consumer: either selector or expr is needed; a reason is needed: why it reads, and who says so; labels holds an empty name; " +
				`line 3: declared consumer: lang: "x" is unknown; known are promql and metricsql; a reason is needed: why it reads, and who says so; labels need a selector: an expr tells its labels itself`}},
		"unknown option": {"consumers:\n- selector: up\n  reason: x\n  label: [a]\n", []string{"error: line 4: field label not found"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, readSource(t, declared, "", tt.options)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
