package notify

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net"
	"net/http/httptest"
	"net/textproto"
	"strings"
	"sync"
	"testing"
)

// smtpServer is a mail server in memory. It keeps to the order of commands that
// RFC 5321 demands, and answers as it is told by reply.
type smtpServer struct {
	net.Listener
	tls      *tls.Config
	ca       string // file with the certificate
	implicit bool
	size     int
	auth     string // what EHLO offers after encryption; empty for none
	user     string // "user:password" that AUTH takes
	// reply returns what to answer to a command instead; "" for the usual, and
	// "hang up" to close the connection.
	reply func(command string) string

	mu       sync.Mutex
	mails    []smtpMail
	commands []string
}

type smtpMail struct {
	from string
	to   []string
	raw  string
	tls  bool
}

func newSMTPServer(t *testing.T, change func(*smtpServer)) *smtpServer {
	t.Helper()
	https := httptest.NewTLSServer(nil) // for its certificate, which is for 127.0.0.1
	https.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: https.Certificate().Raw})
	s := &smtpServer{Listener: l, tls: &tls.Config{Certificates: https.TLS.Certificates}, ca: write(t, "ca.pem", string(ca))}
	if change != nil {
		change(s)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { s.serve(conn) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		running.Wait()
	})
	return s
}

func (s *smtpServer) serve(conn net.Conn) {
	defer func() { conn.Close() }()
	encrypted := s.implicit
	if s.implicit {
		conn = tls.Server(conn, s.tls)
	}
	text := textproto.NewReader(bufio.NewReader(conn))
	say := func(line string) bool {
		if line == "hang up" {
			return false
		}
		_, err := fmt.Fprintf(conn, "%s\r\n", line)
		return err == nil
	}
	usual := func(command, answer string) string {
		if s.reply != nil {
			if other := s.reply(command); other != "" {
				return other
			}
		}
		return answer
	}
	if !say(usual("CONNECT", "220 mail.example.com ESMTP")) {
		return
	}
	var mail *smtpMail
	loggedIn := s.user == ""
	for {
		line, err := text.ReadLine()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.commands = append(s.commands, line)
		s.mu.Unlock()
		verb := strings.ToUpper(line)
		answer := ""
		switch {
		case strings.HasPrefix(verb, "EHLO "):
			lines := []string{"mail.example.com greets you", "8BITMIME"}
			if s.size > 0 {
				lines = append(lines, fmt.Sprint("SIZE ", s.size))
			}
			if s.tls != nil && !encrypted {
				lines = append(lines, "STARTTLS")
			}
			if s.auth != "" && encrypted {
				lines = append(lines, "AUTH "+s.auth)
			}
			answer = "250-" + strings.Join(lines[:len(lines)-1], "\r\n250-") + "\r\n250 " + lines[len(lines)-1]
		case verb == "STARTTLS" && !encrypted:
			if answer := usual(line, "220 go ahead"); !say(answer) || answer[0] != '2' {
				return
			}
			conn, encrypted = tls.Server(conn, s.tls), true
			text = textproto.NewReader(bufio.NewReader(conn))
			continue
		case strings.HasPrefix(verb, "AUTH "):
			answer, loggedIn = s.login(strings.Fields(line), say, text)
		case strings.HasPrefix(verb, "MAIL FROM:"):
			switch {
			case !loggedIn:
				answer = "530 5.7.0 Authentication required"
			case mail != nil:
				answer = "503 5.5.1 nested MAIL command"
			default:
				answer = usual(line, "250 2.1.0 ok")
				if answer[0] == '2' {
					mail = &smtpMail{from: address(line), tls: encrypted}
				}
			}
			if !say(answer) {
				return
			}
			continue
		case strings.HasPrefix(verb, "RCPT TO:"):
			if mail == nil {
				answer = "503 5.5.1 need MAIL command"
				break
			}
			if answer = usual(line, "250 2.1.5 ok"); answer[0] == '2' {
				mail.to = append(mail.to, address(line))
			}
		case verb == "DATA":
			if mail == nil || len(mail.to) == 0 {
				answer = "503 5.5.1 need RCPT command"
				break
			}
			if answer = usual(line, "354 go on"); answer[0] != '3' {
				break
			}
			if !say(answer) {
				return
			}
			body, err := text.ReadDotBytes()
			if err != nil {
				return
			}
			mail.raw = string(body)
			if answer = usual("END", "250 2.0.0 queued"); answer[0] == '2' {
				s.mu.Lock()
				s.mails = append(s.mails, *mail)
				s.mu.Unlock()
			}
			mail = nil
			if !say(answer) {
				return
			}
			continue
		case verb == "RSET":
			mail, answer = nil, "250 ok"
		case verb == "QUIT":
			say(usual(line, "221 bye"))
			return
		default:
			answer = "502 5.5.2 command not recognized"
		}
		if !say(usual(line, answer)) {
			return
		}
	}
}

func (s *smtpServer) login(words []string, say func(string) bool, text *textproto.Reader) (string, bool) {
	decode := func(word string) string { b, _ := base64.StdEncoding.DecodeString(word); return string(b) }
	got := ""
	switch {
	case len(words) == 3 && words[1] == "PLAIN" && strings.Contains(s.auth, "PLAIN"):
		got = strings.Replace(strings.TrimPrefix(decode(words[2]), "\x00"), "\x00", ":", 1)
	case words[1] == "LOGIN" && strings.Contains(s.auth, "LOGIN"):
		for _, question := range []string{"Username:", "Password:"} {
			say("334 " + base64.StdEncoding.EncodeToString([]byte(question)))
			line, err := text.ReadLine()
			if err != nil {
				return "hang up", false
			}
			got = strings.TrimPrefix(got+":"+decode(line), ":")
		}
	default:
		return "504 5.5.4 unrecognized authentication type", false
	}
	if got != s.user {
		return "535 5.7.8 authentication failed: " + got, false
	}
	return "235 2.7.0 welcome", true
}

// address returns what stands between angle brackets.
func address(line string) string {
	_, line, _ = strings.Cut(line, "<")
	line, _, _ = strings.Cut(line, ">")
	return line
}

// yaml returns the options to reach the server.
func (s *smtpServer) yaml(more string) string {
	return fmt.Sprintf("{smarthost: '%s', from: sentei <sentei@example.com>, tls_config: {ca_file: %s}, %s}", s.Addr(), s.ca, more)
}
