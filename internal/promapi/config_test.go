package promapi

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"
)

func TestConfig(t *testing.T) {
	tests := map[string]struct {
		yaml string
		err  string // part of the message; empty for a good one
	}{
		"least": {yaml: "url: http://p:9090\n"},
		"all": {yaml: `
url: https://p.example.org/prefix/
concurrency: 8
timeout: 1m30s
budget: 1d
authorization: {type: Bearer, credentials_file: token}
tls_config: {ca_file: testdata/none.pem, min_version: TLS12, insecure_skip_verify: true}
http_headers: {X-Scope-OrgID: {values: [a]}}
proxy_url: http://proxy:3128
follow_redirects: false
`, err: "none.pem"}, // read at once, to tell early
		"bearer token":           {yaml: "url: http://p\nbearer_token: abc\n"},
		"no url":                 {yaml: "timeout: 1m\n", err: "url is missing: set it to"},
		"no scheme":              {yaml: "url: prometheus:9090\n", err: `url "prometheus:9090" is not an http or https address`},
		"no host":                {yaml: "url: http:///x\n", err: "is not an http or https address"},
		"not a url":              {yaml: "url: 'http://a:b:c'\n", err: "url cannot be parsed"},
		"password in url":        {yaml: "url: http://u:secret@p\n", err: "use basic_auth"},
		"query in url":           {yaml: "url: http://p/?x=y\n", err: "has a query or a fragment"},
		"API in url":             {yaml: "url: http://p/api/v1/\n", err: "leave that out"},
		"no concurrency":         {yaml: "url: http://p\nconcurrency: 0\n", err: "concurrency is 0"},
		"no timeout":             {yaml: "url: http://p\ntimeout: 0s\n", err: "timeout must be more than 0s"},
		"timeout above budget":   {yaml: "url: http://p\ntimeout: 1h\n", err: "budget (10m) is shorter than timeout (1h)"},
		"not a duration":         {yaml: "url: http://p\ntimeout: soon\n", err: `line 2: not a valid duration string: "soon"`},
		"unknown option":         {yaml: "url: http://p\ntimeuot: 1m\n", err: "line 2: field timeuot not found"},
		"unknown in basic_auth":  {yaml: "url: http://p\nbasic_auth:\n  usernam: a\n", err: "line 3: field usernam not found"},
		"unknown in tls_config":  {yaml: "url: http://p\ntls_config:\n  ca: x\n  cafile: a\n", err: "line 4: field cafile not found"},
		"unknown in headers":     {yaml: "url: http://p\nhttp_headers:\n  X:\n    valus: [a]\n", err: "line 4: field valus not found"},
		"two passwords":          {yaml: "url: http://p\nbasic_auth: {username: a, password: b, password_file: c}\n", err: "at most one of basic_auth password"},
		"two ways of credential": {yaml: "url: http://p\nbasic_auth: {username: a}\nauthorization: {credentials: b}\n", err: "at most one of basic_auth"},
		"reserved header":        {yaml: "url: http://p\nhttp_headers: {Authorization: {values: [a]}}\n", err: `setting header "Authorization" is not allowed`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var doc yaml.Node
			if err := yaml.Unmarshal([]byte(tt.yaml), &doc); err != nil {
				t.Fatal(err)
			}
			cfg := DefaultConfig()
			err := doc.Content[0].Load(&cfg, yaml.WithKnownFields())
			if err == nil {
				var c *Client
				if c, err = New(cfg, t.TempDir(), slog.New(slog.DiscardHandler), time.Now); err == nil {
					defer c.Close()
				}
			}
			switch {
			case tt.err == "" && err != nil:
				t.Errorf("got error %v", err)
			case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
				t.Errorf("got error %v, want one with %q", err, tt.err)
			case err != nil && strings.Contains(err.Error(), "secret@"):
				t.Errorf("error %v holds a password", err)
			}
		})
	}
}
