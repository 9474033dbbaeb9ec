package daemon

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// listening is a listener of a given address.
type listening struct {
	net.Listener
	at net.Addr
}

func (l listening) Addr() net.Addr { return l.at }

func TestGuardHost(t *testing.T) {
	d, _, _ := newTestDaemon(t, "web: {listen_address: 'sentei.lan:9817', external_url: 'https://Sentei.example.org/metrics-cost'}\n"+missingInventory)
	handler := d.guardHost(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	ours := []string{
		"127.0.0.1:9817", "127.0.0.1", "[::1]:9817", "[::1]", "10.1.2.3:9817", "localhost:9817", "LOCALHOST", "localhost.:80", "",
		"sentei.example.org", "sentei.example.org:8443", "SENTEI.EXAMPLE.ORG", "sentei.lan:9817", "sentei.lan",
	}
	others := []string{
		"evil.example", "evil.example:9817", "localhost.evil.example", "127.0.0.1.evil.example", "sentei.example.org.evil.example",
		"evilsentei.example.org", "example.org", "127.0.0.1:9817@evil.example", "[::1].evil.example", "::ffff:zz",
	}
	for _, at := range []net.Addr{&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9817}, &net.TCPAddr{IP: net.IPv6unspecified, Port: 9817}} {
		d.listener = listening{at: at}
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodOptions} {
			code := func(host string) (int, string) {
				req := httptest.NewRequest(method, "/ui/proposals/x/decision", nil)
				req.Host = host
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, req)
				return w.Code, w.Body.String()
			}
			for _, host := range ours {
				if got, text := code(host); got != http.StatusNoContent {
					t.Errorf("%s on %s for %q: %d %s", method, at, host, got, text)
				}
			}
			read := method == http.MethodGet || method == http.MethodHead
			for _, host := range others {
				got, text := code(host)
				if read && !d.onLoopback() {
					if got != http.StatusNoContent {
						t.Errorf("%s on %s for %q: %d", method, at, host, got)
					}
				} else if got != http.StatusForbidden || !strings.Contains(text, "set web.external_url") {
					t.Errorf("%s on %s for %q: %d %s", method, at, host, got, text)
				}
			}
		}
	}
}
