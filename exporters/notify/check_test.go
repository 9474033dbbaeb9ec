package notify

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCheck(t *testing.T) {
	t.Chdir(t.TempDir())
	dir := "conf" // paths are relative to it
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"url": "https://hooks.example.com/s3cret\n", "secret": "s3cret", "wrong": "ftp://s3cret.example.com", "blank": " \n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("nowhere", filepath.Join(dir, "dangling")); err != nil {
		t.Fatal(err)
	}
	const mail = "smarthost: 'smtp.example.com:587', from: a@example.com, to: [b@example.com], auth_username: a"
	tests := map[string]struct {
		kind, yaml string
		want       []string
	}{
		"files":                {"files", "{directory: .}", nil},
		"files, not there yet": {"files", "{directory: a/b/c}", nil},
		"files in a file":      {"files", "{directory: secret/a/b}", []string{"directory: conf/secret is a file"}},
		"files in a loose end": {"files", "{directory: dangling/a}", []string{"directory: stat conf/dangling: no such file"}},
		"slack":                {"slack", "{url_file: url, bearer_token_file: secret}", nil},
		"slack, no address":    {"slack", "{url_file: wrong}", []string{"url_file: the address in conf/wrong is not an http or https address"}},
		"slack, nothing":       {"slack", "{url_file: blank, basic_auth: {username_file: none, password_file: secret}}", []string{"url_file: conf/blank is empty", "basic_auth.username_file: open conf/none: no such file"}},
		"webhook":              {"webhook", "{url: 'http://h', secret_file: secret, oauth2: {client_id: a, client_secret_file: secret, token_url: 'http://t'}}", nil},
		"webhook, none":        {"webhook", "{url: 'http://h', secret_file: none, oauth2: {client_id: a, client_secret_file: none, token_url: 'http://t'}}", []string{"oauth2.client_secret_file: open conf/none:", "secret_file: open conf/none:"}},
		"webhook, a folder":    {"webhook", "{url: 'http://h', secret_file: .}", []string{"secret_file: read conf: is a directory"}},
		"email":                {"email", "{" + mail + ", auth_password_file: secret}", nil},
		"email, none":          {"email", "{" + mail + ", auth_password_file: none, tls_config: {ca_file: none}}", []string{"auth_password_file: open conf/none:", "tls_config: unable to read CA cert"}},
		"github":               {"github", "{repository: a/b, token_file: secret}", nil},
		"github, none":         {"github", "{repository: a/b, token_file: none}", []string{"token_file: open conf/none:"}},
	}
	checked := map[string]bool{}
	for name, tt := range tests {
		checked[tt.kind] = true
		t.Run(name, func(t *testing.T) {
			c, err := build(tt.kind, dir, tt.yaml)
			if err != nil {
				t.Fatal(err)
			}
			mistakes := c.(Checker).Check(t.Context())
			var got []string
			for i, m := range mistakes {
				text := strings.Join(m.Option, ".") + ": " + m.Err.Error()
				if strings.Contains(text, "s3cret") {
					t.Errorf("it tells a secret: %s", text)
				}
				if i < len(tt.want) && strings.HasPrefix(text, tt.want[i]) {
					text = tt.want[i]
				}
				got = append(got, text)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
	for _, i := range All() {
		if !checked[i.Kind] {
			t.Errorf("nothing checks the files of %s", i.Kind)
		}
	}
}
