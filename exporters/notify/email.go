package notify

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/common/config"
	"github.com/prometheus/common/model"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/source"
)

var email = source.New("email", sentei.Doc{
	Title: "Sends each report by e-mail, with its files attached.",
	Text: `
The mail says in its text what changed since the report before, with the sums of the report and a link, as HTML and as plain
text. The files of the report are attached. When they are larger than max_attachment_bytes (or than the mail server takes),
they are put into one zip archive; what does not fit then either is left out, and the mail says so.

| tls | |
|---|---|
| starttls | the default: the connection is encrypted by STARTTLS, or nothing is sent; mostly port 587 |
| implicit | TLS from the first byte; mostly port 465 |
| none | unencrypted, for a relay on the same host; without user name and password |

Certificates are checked: set ca_file, server_name or, at your own risk, insecure_skip_verify in tls_config. Of the ways to
log in SCRAM-SHA-256, PLAIN, LOGIN and CRAM-MD5 are known, and the first that the server offers is taken.

When a mail server takes the mail for some recipients only, those get it. The others are tried again when it said "later" (a
status of 4xx); when it refused them for good (5xx), the delivery counts as failed and names them. Who has got a mail is
remembered until sentei ends or reloads its configuration, so that another try does not send it twice; after that the
Message-ID, which is made of the report's key, is the same for the same report, so that mail servers can tell.

Failures of the connection and 4xx are tried again, 5xx are final: a login that is refused, a sender or size that is not
accepted.
`,
	Example: `- email:
    smarthost: smtp.example.com:587 # host:port
    from: sentei <sentei@example.com>
    to: [platform@example.com]
    cc: []
    auth_username: sentei        # leave it out when the server asks for none
    auth_password_file: smtp-password # or auth_password
    tls: starttls                # implicit, none
    tls_config:
      ca_file: /etc/ssl/company-ca.pem
    hello: monitoring.example.com # the name to greet with; localhost when it is left out
    max_attachment_bytes: 10485760 # all files together; 0 attaches none
    timeout: 1m                  # for one delivery
`,
}, emailOptions{Hello: "localhost", TLS: "starttls", MaxAttachmentBytes: 10 << 20, Timeout: model.Duration(time.Minute)}, newEmail)

type emailOptions struct {
	Smarthost          string           `yaml:"smarthost"`
	From               string           `yaml:"from"`
	To                 []string         `yaml:"to"`
	Cc                 []string         `yaml:"cc"`
	Hello              string           `yaml:"hello"`
	AuthUsername       string           `yaml:"auth_username"`
	AuthPassword       config.Secret    `yaml:"auth_password"`
	AuthPasswordFile   string           `yaml:"auth_password_file"`
	TLS                string           `yaml:"tls"`
	TLSConfig          config.TLSConfig `yaml:"tls_config"`
	MaxAttachmentBytes int64            `yaml:"max_attachment_bytes"`
	Timeout            model.Duration   `yaml:"timeout"`
}

type emailChannel struct {
	emailOptions
	host   string
	from   *mail.Address
	to, cc []*mail.Address
	now    func() time.Time

	mu sync.Mutex // one delivery at a time
	// taken holds who has got a mail that others have not, by its key; keys
	// are the latest of them, the newest last.
	taken map[string]map[string]bool
	keys  []string
}

func newEmail(o emailOptions, env source.Env) (Channel, error) {
	o.TLSConfig.SetDirectory(env.Dir)
	if o.AuthPasswordFile != "" {
		o.AuthPasswordFile = env.Path(o.AuthPasswordFile)
	}
	c := &emailChannel{emailOptions: o, now: env.Now, taken: map[string]map[string]bool{}}
	return c, errors.Join(c.parse(), o.check(), o.TLSConfig.Validate())
}

// parse reads the addresses.
func (c *emailChannel) parse() error {
	host, _, err := net.SplitHostPort(c.Smarthost)
	if err != nil || host == "" {
		return fmt.Errorf("smarthost %q is no host with a port: write it like smtp.example.com:587", c.Smarthost)
	}
	c.host = host
	if c.from, err = parseAddress("from", c.From); err != nil {
		return err
	}
	for _, list := range []struct {
		name  string
		texts []string
		to    *[]*mail.Address
	}{{"to", c.To, &c.to}, {"cc", c.Cc, &c.cc}} {
		for _, text := range list.texts {
			address, err := parseAddress(list.name, text)
			if err != nil {
				return err
			}
			*list.to = append(*list.to, address)
		}
	}
	if len(c.to) == 0 {
		return errors.New("to is missing: name at least one recipient")
	}
	return nil
}

func parseAddress(option, text string) (*mail.Address, error) {
	address, err := mail.ParseAddress(text)
	if err != nil || strings.ContainsAny(address.Address, " <>\"\r\n") {
		return nil, fmt.Errorf("%s: %q is no mail address: write it like name@example.com or Name <name@example.com>", option, text)
	}
	return address, nil
}

func (o *emailOptions) check() error {
	var errs []error
	if !slices.Contains([]string{"starttls", "implicit", "none"}, o.TLS) {
		errs = append(errs, fmt.Errorf("tls is %q: use one of starttls, implicit, none", o.TLS))
	}
	if o.AuthPassword != "" && o.AuthPasswordFile != "" {
		errs = append(errs, errors.New("both auth_password and auth_password_file are set: leave one out"))
	}
	password := o.AuthPassword != "" || o.AuthPasswordFile != ""
	if password != (o.AuthUsername != "") {
		errs = append(errs, errors.New("auth_username and auth_password (or auth_password_file) go together: set both or none"))
	}
	if password && o.TLS == "none" {
		errs = append(errs, errors.New("tls is none: the password would go over the network for all to read; use starttls or implicit, or leave it out"))
	}
	if o.Hello == "" || strings.ContainsAny(o.Hello, " \r\n\t") {
		errs = append(errs, fmt.Errorf("hello is %q: set it to the name of this host", o.Hello))
	}
	if o.MaxAttachmentBytes < 0 {
		errs = append(errs, fmt.Errorf("max_attachment_bytes is %d: it must be 0, for no attachments, or more", o.MaxAttachmentBytes))
	}
	if o.Timeout <= 0 {
		errs = append(errs, errors.New("timeout must be more than 0s"))
	}
	return errors.Join(errs...)
}

// Deliver implements Channel.
func (c *emailChannel) Deliver(ctx context.Context, m *Message) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var open []string
	for _, address := range slices.Concat(c.to, c.cc) {
		if a := address.Address; !c.taken[m.Key][a] && !slices.Contains(open, a) {
			open = append(open, a)
		}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, time.Duration(c.Timeout), fmt.Errorf("not done within the timeout of %s", c.Timeout))
	defer cancel()
	taken, err := c.send(ctx, m, open)
	if err != nil && ctx.Err() != nil {
		if _, refused := errors.AsType[*Refused](err); !refused {
			err = context.Cause(ctx) // it closed the connection
		}
	}
	c.remember(m.Key, taken, err)
	return err
}

// maxRemembered is of how many mails it is remembered who has got them.
const maxRemembered = 100

// remember keeps who has got a mail that others have not.
func (c *emailChannel) remember(key string, taken []string, err error) {
	if err == nil {
		delete(c.taken, key)
	} else if len(taken) > 0 && c.taken[key] == nil {
		c.taken[key] = map[string]bool{}
	}
	for _, address := range taken {
		if c.taken[key] != nil {
			c.taken[key][address] = true
		}
	}
	c.keys = slices.DeleteFunc(c.keys, func(k string) bool { return k == key })
	if c.taken[key] != nil {
		c.keys = append(c.keys, key)
	}
	if len(c.keys) > maxRemembered {
		delete(c.taken, c.keys[0])
		c.keys = c.keys[1:]
	}
}
