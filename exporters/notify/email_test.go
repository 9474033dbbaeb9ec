package notify

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei/exporters/notify/smtptest"
)

// part is a leaf of a mail.
type part struct{ kind, name, body string }

func parts(t *testing.T, kind string, body io.Reader) []part {
	t.Helper()
	media, params, err := mime.ParseMediaType(kind)
	if err != nil || !strings.HasPrefix(media, "multipart/") {
		t.Fatalf("%q: %v", kind, err)
	}
	var out []part
	for r := multipart.NewReader(body, params["boundary"]); ; {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return out
		} else if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(p.Header.Get("Content-Type"), "multipart/") {
			out = append(out, parts(t, p.Header.Get("Content-Type"), p)...)
			continue
		}
		var decoded io.Reader = p
		switch p.Header.Get("Content-Transfer-Encoding") {
		case "base64":
			decoded = base64.NewDecoder(base64.StdEncoding, p)
		case "quoted-printable":
			decoded = quotedprintable.NewReader(p)
		}
		b, err := io.ReadAll(decoded)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, part{p.Header.Get("Content-Type"), p.FileName(), strings.ReplaceAll(string(b), "\r\n", "\n")})
	}
}

func readMail(t *testing.T, raw string) (*mail.Message, []part) {
	t.Helper()
	msg, err := mail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return msg, parts(t, msg.Header.Get("Content-Type"), msg.Body)
}

func newMailServer(t *testing.T, change func(*smtptest.Server)) *smtptest.Server {
	t.Helper()
	s, stop, err := smtptest.New(change)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return s
}

// mailYAML returns the options to reach the server.
func mailYAML(t *testing.T, s *smtptest.Server, more string) string {
	t.Helper()
	return fmt.Sprintf("{smarthost: '%s', from: sentei <sentei@example.com>, tls_config: {ca_file: %s}, %s}", s.Addr(), write(t, "ca.pem", string(s.CA)), more)
}

func TestEmail(t *testing.T) {
	s := newMailServer(t, func(s *smtptest.Server) { s.Auth, s.User = "PLAIN LOGIN", "me:verysecret" })
	c := channel(t, "email", mailYAML(t, s, "to: [A B <a@example.com>, b@example.com], cc: [c@example.com, a@example.com], auth_username: me, auth_password: verysecret, hello: monitoring.example.com"))
	m := message()
	m.Title = "Zwölf series\r\nBcc: evil@example.com"
	m.Files[1].Name = "a\r\nb\".csv"
	m.Files[1].ContentType = "text/csv\r\nX-Evil: 1"
	if err := c.Deliver(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	got := s.Mails()[0]
	if diff := cmp.Diff([]string{"a@example.com", "b@example.com", "c@example.com"}, got.To); diff != "" || !got.TLS || got.From != "sentei@example.com" || s.Commands()[0] != "EHLO monitoring.example.com" {
		t.Error(diff, got.TLS, got.From, s.Commands())
	}
	msg, list := readMail(t, got.Raw)
	for name, want := range map[string]string{
		"From": `"sentei" <sentei@example.com>`, "To": `"A B" <a@example.com>, <b@example.com>`, "Cc": "<c@example.com>, <a@example.com>",
		"Date": "Mon, 23 Nov 2026 09:00:07 +0000", "Auto-Submitted": "auto-generated", "Bcc": "", "X-Evil": "", "In-Reply-To": "", "References": "",
	} {
		if got := msg.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject"))
	if err != nil || subject != "Zwölf series Bcc: evil@example.com" {
		t.Errorf("subject %q, %v", subject, err)
	}
	if len(list) != 4 || !strings.HasPrefix(list[0].kind, "text/plain") || !strings.HasPrefix(list[1].kind, "text/html") ||
		list[2] != (part{`text/html; charset=utf-8; name="report.html"`, "report.html", "<p>the report</p>"}) || list[3].body != "metric,series\na,1\n" {
		t.Errorf("parts %+v", list)
	}
	// Another delivery of the same report has the same Message-ID.
	if err := c.Deliver(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	again, _ := readMail(t, s.Mails()[1].Raw)
	if id := msg.Header.Get("Message-ID"); id == "" || id != again.Header.Get("Message-ID") || !strings.HasSuffix(id, "@example.com>") {
		t.Errorf("Message-ID %q, then %q", id, again.Header.Get("Message-ID"))
	}
}

// The text of the mail, as golden files to look at.
func TestEmailText(t *testing.T) {
	s := newMailServer(t, nil)
	c := channel(t, "email", mailYAML(t, s, "to: [a@example.com], max_attachment_bytes: 20"))
	if err := c.Deliver(t.Context(), digest(t)); err != nil {
		t.Fatal(err)
	}
	_, list := readMail(t, s.Mails()[0].Raw)
	if len(list) != 2 {
		t.Fatalf("%d parts", len(list))
	}
	golden(t, "mail.txt", list[0].body)
	golden(t, "mail.html", list[1].body)
}

func TestAttach(t *testing.T) {
	m := message()
	m.Files = []File{{Name: "big", Body: noise(5000)}, {Name: "zeros", Body: make([]byte, 3000)}, {Name: "small", Body: []byte("x")}}
	tests := []struct {
		limit int64
		files []string // in the mail, or in the archive
		zip   bool
		note  string
	}{
		{8001, []string{"big", "zeros", "small"}, false, ""},
		{8000, []string{"big", "small", "zeros"}, true, "The files of the report are in an archive: together they are larger than 7.8 KiB."},
		{2000, []string{"small", "zeros"}, true, "Left out, because the mail would be too large: big (4.9 KiB)."},
		{10, nil, false, "No files are attached, because the mail would be too large: big (4.9 KiB), zeros (2.9 KiB), small (1 B)."},
	}
	for _, tt := range tests {
		got, note, err := attach(m, tt.limit)
		if err != nil || size(got) > tt.limit || !strings.HasSuffix(note, tt.note) {
			t.Errorf("%d: %d bytes, %q, %v", tt.limit, size(got), note, err)
		}
		var names []string
		for _, f := range got {
			names = append(names, f.Name)
		}
		if tt.zip && len(got) == 1 && got[0].Name == "weekly--owner-payments.zip" {
			names = nil
			r, err := zip.NewReader(bytes.NewReader(got[0].Body), int64(len(got[0].Body)))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range r.File {
				names = append(names, f.Name)
			}
		}
		if strings.Join(slices.Sorted(slices.Values(names)), " ") != strings.Join(slices.Sorted(slices.Values(tt.files)), " ") {
			t.Errorf("%d: %v, want %v", tt.limit, names, tt.files)
		}
	}
}

func TestEmailKeepsToTheSizeOfTheServer(t *testing.T) {
	s := newMailServer(t, func(s *smtptest.Server) { s.Size = 1 << 20 })
	c := channel(t, "email", mailYAML(t, s, "to: [a@example.com]"))
	m := message()
	m.Files[0].Body = noise(900_000)
	if err := c.Deliver(t.Context(), m); err != nil || len(s.Mails()[0].Raw) > s.Size || !strings.Contains(s.Mails()[0].Raw, "Left out") {
		t.Errorf("%v, %d bytes", err, len(s.Mails()[0].Raw))
	}
}

// What mail servers say, and what becomes of the mail.
func TestEmailAnswers(t *testing.T) {
	reply := func(prefix, answer string) func(*smtptest.Server) {
		return func(s *smtptest.Server) {
			s.Reply = func(command string) string {
				if strings.HasPrefix(command, prefix) {
					return answer
				}
				return ""
			}
		}
	}
	tests := map[string]struct {
		change func(*smtptest.Server)
		more   string
		want   string
	}{
		"busy":              {reply("CONNECT", "421 4.3.2 too busy"), "", "again: greeting of ADDR: 421 4.3.2 too busy"},
		"no service":        {reply("CONNECT", "554 5.7.1 not for you"), "", "refused: greeting of ADDR: 554 5.7.1 not for you"},
		"hangs up at once":  {reply("CONNECT", "hang up"), "", "again: greeting of ADDR: EOF"},
		"no STARTTLS":       {func(s *smtptest.Server) { s.TLS = nil }, "", "again: ADDR does not offer STARTTLS: use the port that does, or set tls to implicit or none"},
		"STARTTLS fails":    {reply("STARTTLS", "454 4.7.0 TLS not available"), "", "again: STARTTLS with ADDR: 454 4.7.0 TLS not available"},
		"sender later":      {reply("MAIL", "451 4.7.1 greylisted"), "", "again: sender sentei@example.com: 451 4.7.1 greylisted (check from, and whether the server wants a login)"},
		"sender never":      {reply("MAIL", "550 5.7.1 no"), "", "refused: sender sentei@example.com: 550 5.7.1 no (check from, and whether the server wants a login)"},
		"login wanted":      {func(s *smtptest.Server) { s.User = "x:y" }, "", "refused: sender sentei@example.com: 530 5.7.0 Authentication required (check from, and whether the server wants a login)"},
		"login wrong":       {func(s *smtptest.Server) { s.Auth, s.User = "PLAIN", "x:y" }, "auth_username: me, auth_password: verysecret", "refused: log in as me: 535 5.7.8 authentication failed: me:<secret> (check auth_username and auth_password)"},
		"login by LOGIN":    {func(s *smtptest.Server) { s.Auth, s.User = "LOGIN", "me:verysecret" }, "auth_username: me, auth_password: verysecret", "taken"},
		"login not offered": {nil, "auth_username: me, auth_password: verysecret", `again: ADDR offers no way to log in that is known (it says ""): leave out auth_username, or use another port`},
		"nobody":            {reply("RCPT", "550 5.1.1 no such user"), "", "refused: recipient a@example.com: 550 5.1.1 no such user; recipient b@example.com: 550 5.1.1 no such user"},
		"too large":         {reply("END", "552 5.3.4 too large"), "", "refused: the mail: 552 5.3.4 too large (if it is too large, lower max_attachment_bytes)"},
		"full":              {reply("END", "452 4.3.1 no space"), "", "again: the mail: 452 4.3.1 no space (if it is too large, lower max_attachment_bytes)"},
		"hangs up in DATA":  {reply("DATA", "hang up"), "", "again: DATA: EOF"},
		"hangs up at RCPT":  {reply("RCPT", "hang up"), "", "again: recipient a@example.com: EOF"},
		"hangs up at END":   {reply("END", "hang up"), "", "again: the mail: EOF"},
		"rude goodbye":      {reply("QUIT", "hang up"), "", "taken"},
		"implicit":          {func(s *smtptest.Server) { s.Implicit = true }, "tls: implicit", "taken"},
		"none":              {func(s *smtptest.Server) { s.TLS = nil }, "tls: none", "taken"},
		"unknown CA":        {nil, "tls_config: {}", "again: STARTTLS with ADDR: tls: failed to verify certificate: x509: certificate signed by unknown authority"},
		"unknown CA first":  {func(s *smtptest.Server) { s.Implicit = true }, "tls: implicit, tls_config: {}", "again: TLS with ADDR: tls: failed to verify certificate: x509: certificate signed by unknown authority"},
		"unchecked":         {nil, "tls_config: {insecure_skip_verify: true}", "taken"},
		"other name":        {nil, "tls_config: {insecure_skip_verify: false, server_name: mail.invalid, ca_file: CA}", "not mail.invalid"},
		"CA file gone":      {nil, "tls_config: {ca_file: /nowhere/ca.pem}", "again: tls_config: unable to read CA cert: "},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newMailServer(t, tt.change)
			ca := write(t, "ca.pem", string(s.CA))
			more := strings.Replace(tt.more, "CA}", ca+"}", 1)
			if !strings.Contains(more, "tls_config") {
				more = strings.TrimPrefix(more+", tls_config: {ca_file: "+ca+"}", ", ")
			}
			text := fmt.Sprintf("{smarthost: '%s', from: sentei@example.com, to: [a@example.com, b@example.com], %s}", s.Addr(), more)
			got := outcome(channel(t, "email", text).Deliver(t.Context(), message()))
			got = strings.ReplaceAll(got, s.Addr().String(), "ADDR")
			if !strings.Contains(got, tt.want) || strings.Contains(got, "verysecret") {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if (got == "taken") != (len(s.Mails()) == 1) {
				t.Errorf("%s, but %d mails", got, len(s.Mails()))
			}
		})
	}
}

// Some recipients are refused: the others get the mail, once.
func TestEmailToSome(t *testing.T) {
	greylisted := true
	s := newMailServer(t, func(s *smtptest.Server) {
		s.Reply = func(command string) string {
			switch {
			case strings.HasPrefix(command, "RCPT TO:<gone@"):
				return "550 5.1.1 no such user"
			case strings.HasPrefix(command, "RCPT TO:<slow@") && greylisted:
				return "450 4.2.0 greylisted"
			}
			return ""
		}
	})
	c := channel(t, "email", mailYAML(t, s, "to: [a@example.com, gone@example.com, slow@example.com]"))
	want := []string{
		"again: sent to a@example.com, but not to all: recipient slow@example.com: 450 4.2.0 greylisted; recipient gone@example.com: 550 5.1.1 no such user",
		"again: recipient slow@example.com: 450 4.2.0 greylisted; recipient gone@example.com: 550 5.1.1 no such user",
		"refused: sent to slow@example.com, but not to all: recipient gone@example.com: 550 5.1.1 no such user",
		"refused: recipient gone@example.com: 550 5.1.1 no such user",
	}
	for i := range want {
		greylisted = i < 2
		if got := outcome(c.Deliver(t.Context(), message())); got != want[i] {
			t.Errorf("delivery %d: %s", i, got)
		}
	}
	var to []string
	for _, m := range s.Mails() {
		to = append(to, m.To...)
	}
	if diff := cmp.Diff([]string{"a@example.com", "slow@example.com"}, to); diff != "" {
		t.Error(diff)
	}
	// Another report goes to all again; how many are remembered is bounded.
	for i := range 2 * maxRemembered {
		m := message()
		m.Key = fmt.Sprint(i)
		if got := outcome(c.Deliver(t.Context(), m)); !strings.HasPrefix(got, "refused: sent to a@example.com, slow@example.com, but") {
			t.Fatal(got)
		}
	}
	if e := c.(*emailChannel); len(e.taken) != maxRemembered || len(e.keys) != maxRemembered {
		t.Errorf("%d and %d are remembered", len(e.taken), len(e.keys))
	}
}

func TestEmailConnections(t *testing.T) {
	if got := outcome(channel(t, "email", "{smarthost: '"+closedPort(t)+"', from: a@b, to: [c@d]}").Deliver(t.Context(), message())); !strings.HasPrefix(got, "again: dial tcp") || !strings.Contains(got, "connection refused") {
		t.Error(got)
	}
	block := make(chan struct{})
	s := newMailServer(t, func(s *smtptest.Server) {
		s.Reply = func(command string) string {
			if command == "DATA" {
				<-block
			}
			return ""
		}
	})
	defer close(block)
	c := channel(t, "email", mailYAML(t, s, "to: [a@example.com], timeout: 200ms"))
	if got := outcome(c.Deliver(t.Context(), message())); got != "again: not done within the timeout of 200ms" {
		t.Error(got)
	}
	if got := outcome(c.Deliver(canceled(), message())); got != "again: context canceled" {
		t.Error(got)
	}
	c = channel(t, "email", mailYAML(t, s, "to: [a@example.com], auth_username: x, auth_password_file: /nowhere/password"))
	if got := outcome(c.Deliver(t.Context(), message())); got != "again: read auth_password_file: open /nowhere/password: no such file or directory" {
		t.Error(got)
	}
}

func TestEmailOptions(t *testing.T) {
	good := "smarthost: 'h:25', from: a@b, to: [c@d]"
	tests := map[string]string{
		"{from: a@b, to: [c@d]}":                                                             `smarthost "" is no host with a port`,
		"{smarthost: h, from: a@b, to: [c@d]}":                                               `smarthost "h" is no host`,
		"{smarthost: 'h:25', to: [c@d]}":                                                     `from: "" is no mail address`,
		"{smarthost: 'h:25', from: a@b}":                                                     "to is missing",
		"{smarthost: 'h:25', from: a@b, to: [\"c@d\\r\\nRCPT TO:<e>\"]}":                     `is no mail address`,
		"{" + good + ", cc: ['\"a b\"@c']}":                                                  `cc: "\"a b\"@c" is no mail address`,
		"{" + good + ", tls: yes}":                                                           "tls is \"yes\": use one of",
		"{" + good + ", auth_username: a}":                                                   "go together",
		"{" + good + ", auth_password: verysecret}":                                          "go together",
		"{" + good + ", auth_password: verysecret, auth_password_file: b, auth_username: c}": "both auth_password and",
		"{" + good + ", auth_password: verysecret, auth_username: c, tls: none}":             "tls is none: the password would",
		"{" + good + ", hello: 'a b'}":                                                       `hello is "a b"`,
		"{" + good + ", max_attachment_bytes: -1}":                                           "max_attachment_bytes is -1",
		"{" + good + ", timeout: 0s}":                                                        "timeout must be more",
		"{" + good + ", tls_config: {ca: a, ca_file: b}}":                                    "at most one of ca, ca_file",
		"{" + good + ", port: 25}":                                                           "field port not found",
	}
	for text, want := range tests {
		_, err := build("email", "/nowhere", text)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "verysecret") {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// noise returns bytes that no archive makes smaller.
func noise(n int) []byte {
	b := make([]byte, n)
	state := uint32(1)
	for i := range b {
		state = state*1664525 + 1013904223
		b[i] = byte(state >> 24)
	}
	return b
}
