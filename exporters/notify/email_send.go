package notify

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/config"
	"github.com/wneessen/go-mail/smtp"
)

// send sends a mail to the recipients and returns who of them has got it.
func (c *emailChannel) send(ctx context.Context, m *Message, recipients []string) (taken []string, err error) {
	if len(recipients) == 0 {
		return nil, nil
	}
	conn, err := c.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	client, err := c.greet(conn)
	if err != nil {
		return nil, err
	}
	limit := c.MaxAttachmentBytes
	if _, size := client.Extension("SIZE"); size != "" {
		// What is attached grows by 37 % on its way; the text takes its part.
		if n, err := strconv.ParseInt(size, 10, 64); err == nil && n > 0 {
			limit = min(limit, max(0, (n-256<<10)/14*10))
		}
	}
	raw, err := c.compose(m, limit)
	if err != nil {
		return nil, &Refused{Err: fmt.Errorf("write the mail: %w", err)}
	}
	if err := client.Mail("<" + c.from.Address + ">"); err != nil {
		return nil, smtpError("sender "+c.from.Address, err, "check from, and whether the server wants a login")
	}
	accepted, again, refused, err := offer(client, recipients)
	if err != nil {
		return nil, err
	}
	if len(accepted) > 0 {
		if err := data(client, raw); err != nil {
			return nil, err
		}
		taken = accepted
	}
	_ = client.Quit() // the mail is taken, however the server says goodbye
	return taken, others(taken, again, refused)
}

// others returns the error for the recipients that have not got the mail.
func others(taken []string, again, refused []error) error {
	sent := ""
	if len(taken) > 0 {
		sent = "sent to " + strings.Join(taken, ", ") + ", but not to all: "
	}
	err := errors.Join(slices.Concat(again, refused)...)
	if err == nil {
		return nil
	}
	err = errors.New(sent + strings.ReplaceAll(err.Error(), "\n", "; "))
	if len(again) == 0 {
		return &Refused{Err: err}
	}
	return err
}

// dial connects, by TLS from the first byte when that is wanted.
func (c *emailChannel) dial(ctx context.Context) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", c.Smarthost)
	if err != nil || c.TLS != "implicit" {
		return conn, err
	}
	options, err := c.tlsOptions()
	if err != nil {
		conn.Close()
		return nil, err
	}
	secure := tls.Client(conn, options)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, fmt.Errorf("TLS with %s: %w", c.Smarthost, err)
	}
	return secure, nil
}

func (c *emailChannel) tlsOptions() (*tls.Config, error) {
	options, err := config.NewTLSConfig(&c.TLSConfig)
	if err != nil {
		return nil, fmt.Errorf("tls_config: %w", err)
	}
	if options.ServerName == "" {
		options.ServerName = c.host
	}
	return options, nil
}

// greet begins the conversation: greeting, encryption, login.
func (c *emailChannel) greet(conn net.Conn) (*smtp.Client, error) {
	client, err := smtp.NewClient(conn, c.host)
	if err != nil {
		return nil, smtpError("greeting of "+c.Smarthost, err, "")
	}
	if err := client.Hello(c.Hello); err != nil {
		return nil, smtpError("EHLO "+c.Hello, err, "check hello")
	}
	if c.TLS == "starttls" {
		if offered, _ := client.Extension("STARTTLS"); !offered {
			return nil, errors.New(c.Smarthost + " does not offer STARTTLS: use the port that does, or set tls to implicit or none")
		}
		options, err := c.tlsOptions()
		if err != nil {
			return nil, err
		}
		if err := client.StartTLS(options); err != nil {
			return nil, smtpError("STARTTLS with "+c.Smarthost, err, "")
		}
	}
	return client, c.login(client)
}

func (c *emailChannel) login(client *smtp.Client) error {
	if c.AuthUsername == "" {
		return nil
	}
	password := string(c.AuthPassword)
	if c.AuthPasswordFile != "" {
		var err error
		if password, err = readSecret(c.AuthPasswordFile); err != nil {
			return fmt.Errorf("read auth_password_file: %w", err)
		}
	}
	_, offered := client.Extension("AUTH")
	ways := strings.Fields(strings.ToUpper(offered))
	var auth smtp.Auth
	switch {
	case slices.Contains(ways, "SCRAM-SHA-256"):
		auth = smtp.ScramSHA256Auth(c.AuthUsername, password)
	case slices.Contains(ways, "PLAIN"):
		auth = smtp.PlainAuth("", c.AuthUsername, password, c.host, false)
	case slices.Contains(ways, "LOGIN"):
		auth = smtp.LoginAuth(c.AuthUsername, password, c.host, false)
	case slices.Contains(ways, "CRAM-MD5"):
		auth = smtp.CRAMMD5Auth(c.AuthUsername, password)
	default:
		return fmt.Errorf("%s offers no way to log in that is known (it says %q): leave out auth_username, or use another port", c.Smarthost, offered)
	}
	if err := client.Auth(auth); err != nil {
		var s secrets
		s.add(password)
		s.add(base64.StdEncoding.EncodeToString([]byte(password)))
		s.add(base64.StdEncoding.EncodeToString([]byte("\x00" + c.AuthUsername + "\x00" + password)))
		return smtpError("log in as "+c.AuthUsername, s.hideSMTP(err), "check auth_username and auth_password")
	}
	return nil
}

// offer names the recipients to the server. The error is of the connection.
func offer(client *smtp.Client, recipients []string) (accepted []string, again, refused []error, err error) {
	for _, address := range recipients {
		err := client.Rcpt("<" + address + ">")
		if err == nil {
			accepted = append(accepted, address)
			continue
		}
		reply, ok := errors.AsType[*textproto.Error](err)
		if !ok {
			return nil, nil, nil, fmt.Errorf("recipient %s: %w", address, err)
		}
		err = smtpError("recipient "+address, reply, "")
		if _, final := errors.AsType[*Refused](err); final {
			refused = append(refused, err)
		} else {
			again = append(again, err)
		}
	}
	return accepted, again, refused, nil
}

// data sends the mail itself. The writer is only closed, which ends the mail,
// when all of it has been written.
func data(client *smtp.Client, raw []byte) error {
	const todo = "if it is too large, lower max_attachment_bytes"
	w, err := client.Data()
	if err != nil {
		return smtpError("DATA", err, todo)
	}
	if _, err := w.Write(raw); err != nil {
		return fmt.Errorf("send the mail: %w", err)
	}
	if err := w.Close(); err != nil {
		return smtpError("the mail", err, todo)
	}
	return nil
}

// smtpError returns the error of a step: final for a status of 5xx.
func smtpError(step string, err error, todo string) error {
	reply, ok := errors.AsType[*textproto.Error](err)
	if !ok {
		return fmt.Errorf("%s: %w", step, err)
	}
	text := fmt.Sprintf("%s: %d %s", step, reply.Code, oneLine(reply.Msg, 200))
	if todo != "" {
		text += " (" + todo + ")"
	}
	if reply.Code >= 500 && reply.Code < 600 {
		return &Refused{Err: errors.New(text)}
	}
	return errors.New(text)
}
