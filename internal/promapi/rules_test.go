package promapi

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// pages serves groups one by one; token i names page i.
func pages(names []string, before func(token string, w http.ResponseWriter) bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token := r.FormValue("group_next_token")
		if before(token, w) {
			return
		}
		i := strings.Index("0123456789", token+"")
		if token == "" {
			i = 0
		}
		next := ""
		if i+1 < len(names) {
			next = fmt.Sprintf(`,"groupNextToken":"%d"`, i+1)
		}
		fmt.Fprintf(w, `{"status":"success","data":{"groups":[{"name":%q,"file":"f","interval":60,"rules":[]}]%s}}`, names[i], next)
	}
}

func TestRules(t *testing.T) {
	badToken := func(w http.ResponseWriter) bool {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"status":"error","errorType":"bad_data","error":"invalid group_next_token 'x'. were rule groups changed?"}`)
		return true
	}
	tests := map[string]struct {
		before func(calls int, token string, w http.ResponseWriter) bool
		want   []string
		err    string
	}{
		"all pages": {
			before: func(int, string, http.ResponseWriter) bool { return false },
			want:   []string{"a", "b", "c"},
		},
		"rules change once: from the beginning": {
			before: func(calls int, token string, w http.ResponseWriter) bool { return calls == 3 && badToken(w) },
			want:   []string{"a", "b", "c"},
		},
		"rules change all the time": {
			before: func(_ int, token string, w http.ResponseWriter) bool { return token == "2" && badToken(w) },
			err:    "were rule groups changed?",
		},
		"first page refused": {
			before: func(_ int, _ string, w http.ResponseWriter) bool { return badToken(w) },
			err:    "400 Bad Request",
		},
		"round and round": {
			before: func(_ int, _ string, w http.ResponseWriter) bool {
				fmt.Fprint(w, `{"status":"success","data":{"groups":[],"groupNextToken":"1"}}`)
				return true
			},
			err: "the same page of rules again and again",
		},
		"no rules API": {
			before: func(_ int, _ string, w http.ResponseWriter) bool { w.WriteHeader(404); return true },
			err:    "404 Not Found",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			calls := 0
			c := serve(t, pages([]string{"a", "b", "c"}, func(token string, w http.ResponseWriter) bool {
				calls++
				return tt.before(calls, token, w)
			}))
			groups, _, err := c.Rules(t.Context())
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("got error %v, want one with %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, g := range groups {
				got = append(got, g.Name)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("groups (-want +got):\n%s", diff)
			}
		})
	}
}
