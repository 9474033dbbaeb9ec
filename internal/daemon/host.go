package daemon

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
)

// guardHost refuses requests for a host that is not the daemon's. A page of
// another site can make its own name point here (DNS rebinding): then the
// browser takes the daemon for a part of that site, and neither origin nor
// token tell them apart. The name in the request does.
//
// Requests that may change something must be for the address that the daemon
// listens on, for localhost, for an IP address, which no name server can turn,
// or for the host of web.external_url. On a loopback address, which no name of
// others leads to, all requests must. Requests without a host do not come from
// a browser.
func (d *Daemon) guardHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		reads := req.Method == http.MethodGet || req.Method == http.MethodHead
		if reads && !d.onLoopback() || d.isOurs(req.Host) {
			next.ServeHTTP(w, req)
			return
		}
		http.Error(w, fmt.Sprintf("refused: the request is for the host %q, and sentei does not know that it is reached by this name: "+
			"set web.external_url to the address that people open, or use an IP address or localhost", req.Host), http.StatusForbidden)
	})
}

// onLoopback reports whether only this machine can reach the daemon.
func (d *Daemon) onLoopback() bool {
	at, ok := d.listener.Addr().(*net.TCPAddr)
	return ok && at.IP.IsLoopback()
}

func (d *Daemon) isOurs(host string) bool {
	name := hostName(host)
	if _, err := netip.ParseAddr(name); err == nil || name == "" || name == "localhost" {
		return true
	}
	c := d.current.Load().config
	return name == hostName(c.Web.ListenAddress) || name == strings.ToLower(c.Web.ExternalHost())
}

// hostName returns the host of a host with or without a port, as names are
// compared.
func hostName(host string) string {
	if name, port, err := net.SplitHostPort(host); err == nil {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return host // none that a browser sends
		}
		host = name
	}
	return strings.TrimSuffix(strings.ToLower(strings.Trim(host, "[]")), ".")
}
