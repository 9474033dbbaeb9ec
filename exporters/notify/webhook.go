package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/common/config"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/source"
)

var webhook = source.New("webhook", sentei.Doc{
	Title: "Posts each report as JSON to an address of yours.",
	Text: `
The body of the POST is one JSON object. Fields are added over time; when one changes its meaning, version goes up.

| field | |
|---|---|
| version | 1 |
| key | the same when the same report is sent again after a failure; also in the header Idempotency-Key |
| report, part | the name of the report in the configuration, and which part it is ("owner payments"); part may be missing |
| at | the instant that the report speaks of, RFC 3339 |
| title, text | one line of plain text; a few paragraphs of Markdown that say first what changed |
| link | where sentei shows the report; may be missing |
| facts | backends, currency, series, per_month, series_growth, per_month_growth (since the report before; missing in the first), proposals, saving_series, saving_per_month, blocking_problems, regrets |
| files | the report in the formats that were asked for: name, content_type, size in bytes, and with ` + "`attach: true`" + ` the content as body in base64 |

A status of 2xx says that the report is taken; the body of the answer does not matter. 408, 425, 429, 5xx and failures of the
connection are tried again, after the time in Retry-After where it is sent. Any other status is final. Because an answer can
get lost, the same report may arrive twice: compare Idempotency-Key.

Redirects are followed on the same host, when they ask for the same POST again (307, 308); all others are refused.

With ` + "`secret_file`" + ` each request is signed. X-Sentei-Timestamp holds the time of the request in seconds since 1970, and
X-Sentei-Signature "sha256=" and, in hexadecimal, the HMAC-SHA256 with the secret as key over the timestamp, a dot and the
body as it was sent. Compare in constant time, and refuse timestamps that are more than a few minutes old.

The address and all credentials are kept out of errors and logs. Files are read anew for each delivery.
`,
	Example: `- webhook:
    url: https://hooks.example.com/sentei # or url_file, when the address is a secret
    attach: false                # true: with the files of the report
    secret_file: webhook-secret  # signs each request; leave it out for none
    timeout: 30s                 # for one request
    # All options of the HTTP client of Prometheus, such as:
    authorization:
      credentials_file: token
    tls_config:
      min_version: TLS12
`,
}, webhookOptions{httpOptions: defaultHTTP()}, newWebhook)

type webhookOptions struct {
	httpOptions `yaml:",inline"`
	Attach      bool          `yaml:"attach"`
	Secret      config.Secret `yaml:"secret"`
	SecretFile  string        `yaml:"secret_file"`
}

const (
	timestampHeader = "X-Sentei-Timestamp"
	signatureHeader = "X-Sentei-Signature"
)

type webhookChannel struct {
	*poster
	attach     bool
	secret     string
	secretFile string
}

func newWebhook(o webhookOptions, env source.Env) (Channel, error) {
	p, err := newPoster(o.httpOptions, env)
	if err != nil {
		return nil, err
	}
	if o.Secret != "" && o.SecretFile != "" {
		return nil, errors.New("both secret and secret_file are set: leave one out")
	}
	w := &webhookChannel{poster: p, attach: o.Attach, secret: string(o.Secret)}
	if o.SecretFile != "" {
		w.secretFile = env.Path(o.SecretFile)
	}
	return w, nil
}

// webhookBody is what is posted.
type webhookBody struct {
	Version int           `json:"version"`
	Key     string        `json:"key"`
	Report  string        `json:"report"`
	Part    string        `json:"part,omitempty"`
	At      time.Time     `json:"at"`
	Title   string        `json:"title"`
	Text    string        `json:"text"`
	Link    string        `json:"link,omitempty"`
	Facts   Facts         `json:"facts"`
	Files   []webhookFile `json:"files"`
}

type webhookFile struct {
	Name        string `json:"name"`
	ContentType string `json:"content_type"`
	Size        int    `json:"size"` // bytes
	Body        []byte `json:"body,omitempty"`
}

// Deliver implements Channel.
func (w *webhookChannel) Deliver(ctx context.Context, m *Message) error {
	body := webhookBody{
		Version: 1, Key: m.Key, Report: m.Report, Part: m.Part, At: m.At.UTC(),
		Title: m.Title, Text: m.Text, Link: m.Link, Facts: m.Facts, Files: []webhookFile{},
	}
	for _, f := range m.Files {
		file := webhookFile{Name: f.Name, ContentType: f.ContentType, Size: len(f.Body)}
		if w.attach {
			file.Body = f.Body
		}
		body.Files = append(body.Files, file)
	}
	data, err := json.Marshal(&body)
	if err != nil {
		return &Refused{Err: fmt.Errorf("write the message as JSON: %w", err)}
	}
	header := http.Header{"Idempotency-Key": {m.Key}}
	if err := w.sign(header, data); err != nil {
		return err
	}
	r, err := w.post(ctx, data, header)
	if err != nil {
		return err
	}
	if r.status/100 == 2 {
		return nil
	}
	return r.failure(w.now(), webhookTodo(r.status))
}

// sign adds the headers by which a receiver knows that a request is genuine.
func (w *webhookChannel) sign(header http.Header, body []byte) error {
	secret := w.secret
	if w.secretFile != "" {
		var err error
		if secret, err = readSecret(w.secretFile); err != nil {
			return fmt.Errorf("read secret_file: %w", err)
		}
	}
	if secret == "" {
		return nil
	}
	timestamp := strconv.FormatInt(w.now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(timestamp + "."))
	mac.Write(body)
	header.Set(timestampHeader, timestamp)
	header.Set(signatureHeader, "sha256="+hex.EncodeToString(mac.Sum(nil)))
	return nil
}

// webhookTodo says what to do about a status, if that is known.
func webhookTodo(status int) string {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return "check basic_auth, authorization, http_headers and secret_file"
	case http.StatusNotFound, http.StatusGone:
		return "is there still such a webhook?"
	case http.StatusRequestEntityTooLarge:
		return "set attach: false, or ask for fewer formats"
	}
	return ""
}
