package promapi

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestExcerpt(t *testing.T) {
	tests := map[string]struct{ body, want string }{
		"short":       {" a\n\tb  c ", "a b c"},
		"long":        {strings.Repeat("x", 300), strings.Repeat("x", 200) + "…"},
		"cut in rune": {strings.Repeat("x", 199) + "日本", strings.Repeat("x", 199) + "…"},
		"not UTF-8":   {"a\xffb", "ab"},
		"spaces":      {strings.Repeat(" ", 1000) + "x", ""},
	}
	for name, tt := range tests {
		if got := excerpt([]byte(tt.body)); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

// FuzzAnswer gives any body to a query: it must not panic, and take nothing
// for a success that does not say so.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1.5,"2"]}]},"warnings":["w"]}`,
		`{"status":"success","data":{"resultType":"scalar","result":[1,"NaN"]}}`,
		`{"status":"error","errorType":"timeout","error":"no"}`,
		`{"series_count_total":1,"labels":[{"label_name":"job","label_values_count":1,"series_count":1,"cardinality":[{"label_value":"a","series_count":1}]}]}`,
		`{"status":"success","statsCollectedSince":1,"records":[{"metricName":"m","queryRequestsCount":1,"lastQueryRequestTimestamp":2}]}`,
		`{"status":"success"}`, `null`, ``, `<html>`, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"histogram":[1,{}]}]}}`,
	} {
		f.Add(200, seed)
		f.Add(503, seed)
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		c := &Client{now: time.Now}
		var a answer[queryResult]
		resp := &http.Response{StatusCode: status, Header: http.Header{}, Request: &http.Request{}}
		err := c.check(resp, []byte(body), a.decode)
		if err == nil && (status/100 != 2 || a.Status != "success" || !a.Data.seen) {
			t.Errorf("%d %q passes for a success", status, body)
		}
		for _, decode := range []func([]byte) (*envelope, error){(&cardinalityAnswer{}).decode, (&namesAnswer{}).decode} {
			if head, other := decode([]byte(body)); other == nil && head.Status == "success" && !json.Valid([]byte(body)) {
				t.Errorf("%q passes for a success", body)
			}
		}
		if err != nil && utf8.ValidString(body) && !utf8.ValidString(err.Error()) {
			t.Errorf("error %q is not UTF-8", err)
		}
	})
}
