package querylog

import (
	"errors"
	"testing"

	"github.com/prometheus/prometheus/promql"
)

// Only an error that says that the query itself cannot have a result means
// that nobody reads what it asks for.
func TestFailed(t *testing.T) {
	tests := map[string]bool{
		// What the server could not do this time.
		promql.ErrQueryCanceled("query queue").Error():                         false,
		promql.ErrQueryTimeout("expression evaluation").Error():                false,
		promql.ErrTooManySamples("query execution").Error():                    false,
		promql.ErrStorage{Err: errors.New("read chunk: no such file")}.Error(): false,
		"context canceled":          false,
		"context deadline exceeded": false,
		"expanding series: remote_read: remote server returned HTTP status 502 Bad Gateway": false,
		"expanding series: exceeded sample limit (50000000)":                                false,
		"exceeded limit":        false,
		"exceeded sample limit": false,
		"the query exceeded the maximum number of series (limit: 100000 series) (err-mimir-max-series-per-query)": false,
		"the query time range exceeds the limit (query length: 744h6m0s, limit: 720h0m0s)":                        false,
		"unexpected error: runtime error: index out of range [3] with length 3":                                   false,
		"something that nobody has foreseen":                                                                      false,
		"":                                                                                                        false,
		`rpc error: code = Code(422) desc = {"status":"error","errorType":"execution","error":"query processing would load too many samples into memory in query execution"}`: false,

		// What no server can do.
		"found duplicate series for the match group {} on the right hand-side of the operation: [{a=\"b\"}, {a=\"c\"}];many-to-many matching not allowed: matching labels must be unique on one side": true,
		"many-to-many matching not allowed: matching labels must be unique on one side":                                                                                                               true,
		"multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)":                                                                                                 true,
		"multiple matches for labels: grouping labels must ensure unique matches":                                                                                                                     true,
		"vector cannot contain metrics with the same labelset":                                                                                                                                        true,
		"Parameter value is NaN":                                        true,
		"Ratio value is NaN":                                            true,
		"Scalar value 1e+300 overflows int64":                           true,
		"Scalar value -1e+300 underflows int64":                         true,
		"invalid label name \xff":                                       true,
		"invalid regular expression in label_replace(): (":              true,
		"invalid destination label name in label_replace(): \xff":       true,
		"invalid source label name in label_join(): \xff":               true,
		"invalid smoothing factor. Expected: 0 < sf < 1, got: 2.000000": true,
		"invalid trend factor. Expected: 0 < tf < 1, got: 2.000000":     true,
		"anchored modifier can only be used with: rate - not with sum":  true,
		"smoothed modifier is not supported with histograms":            true,
		`rpc error: code = Code(422) desc = {"status":"error","errorType":"execution","error":"vector cannot contain metrics with the same labelset"}`: true,
		`invalid parameter "query": 1:4: parse error: unexpected end of input`:                                                                         true,
	}
	for err, want := range tests {
		if got := failed(err); got != want {
			t.Errorf("failed(%q) = %v, want %v", err, got, want)
		}
	}
}
