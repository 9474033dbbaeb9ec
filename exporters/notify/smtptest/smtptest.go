// Package smtptest is a mail server for tests. In go mails by SMTP, with
// STARTTLS and a login where that is wanted; they are kept to be looked at. It
// keeps to the order of commands that RFC 5321 demands, and answers badly where
// it is told to.
package smtptest

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net"
	"net/http/httptest"
	"net/textproto"
	"slices"
	"strings"
	"sync"
)

// Server is a mail server in memory. Its fields are set before the first
// connection.
type Server struct {
	net.Listener
	CA       []byte      // its certificate, for 127.0.0.1, in PEM
	TLS      *tls.Config // nil offers no STARTTLS
	Implicit bool        // TLS from the first byte
	Size     int         // what it takes at most, as it says; 0 says nothing
	Auth     string      // what EHLO offers after encryption; empty for none
	User     string      // "user:password" that a login must have; empty wants none
	// Reply returns what to answer to a command instead; "" for the usual, and
	// "hang up" to close the connection. CONNECT stands for the beginning of a
	// connection and END for the end of a mail.
	Reply func(command string) string

	mu       sync.Mutex
	mails    []Mail
	commands []string
}

// Mail is a mail that the server has taken.
type Mail struct {
	From string
	To   []string
	Raw  string // with LF as line end
	TLS  bool   // came encrypted
}

// Mails returns the mails that the server has taken.
func (s *Server) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

// Commands returns the commands that the server was sent.
func (s *Server) Commands() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.commands)
}

// New starts a server, changed before by the function unless that is nil. It
// runs until stop is called.
func New(change func(*Server)) (s *Server, stop func(), err error) {
	https := httptest.NewTLSServer(nil) // for its certificate
	https.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	s = &Server{
		Listener: l, TLS: &tls.Config{Certificates: https.TLS.Certificates},
		CA: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: https.Certificate().Raw}),
	}
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
	return s, func() {
		l.Close()
		running.Wait()
	}, nil
}

func (s *Server) serve(conn net.Conn) {
	defer func() { conn.Close() }()
	encrypted := s.Implicit
	if s.Implicit {
		conn = tls.Server(conn, s.TLS)
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
		if s.Reply != nil {
			if other := s.Reply(command); other != "" {
				return other
			}
		}
		return answer
	}
	if !say(usual("CONNECT", "220 mail.example.com ESMTP")) {
		return
	}
	var mail *Mail
	loggedIn := s.User == ""
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
			if s.Size > 0 {
				lines = append(lines, fmt.Sprint("SIZE ", s.Size))
			}
			if s.TLS != nil && !encrypted {
				lines = append(lines, "STARTTLS")
			}
			if s.Auth != "" && encrypted {
				lines = append(lines, "AUTH "+s.Auth)
			}
			answer = "250-" + strings.Join(lines[:len(lines)-1], "\r\n250-") + "\r\n250 " + lines[len(lines)-1]
		case verb == "STARTTLS" && !encrypted:
			if answer := usual(line, "220 go ahead"); !say(answer) || answer[0] != '2' {
				return
			}
			conn, encrypted = tls.Server(conn, s.TLS), true
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
					mail = &Mail{From: address(line), TLS: encrypted}
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
				mail.To = append(mail.To, address(line))
			}
		case verb == "DATA":
			if mail == nil || len(mail.To) == 0 {
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
			mail.Raw = string(body)
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

func (s *Server) login(words []string, say func(string) bool, text *textproto.Reader) (string, bool) {
	decode := func(word string) string { b, _ := base64.StdEncoding.DecodeString(word); return string(b) }
	got := ""
	switch {
	case len(words) == 3 && words[1] == "PLAIN" && strings.Contains(s.Auth, "PLAIN"):
		got = strings.Replace(strings.TrimPrefix(decode(words[2]), "\x00"), "\x00", ":", 1)
	case words[1] == "LOGIN" && strings.Contains(s.Auth, "LOGIN"):
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
	if got != s.User {
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
