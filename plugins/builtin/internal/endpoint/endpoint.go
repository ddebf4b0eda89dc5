// Package endpoint reads the URLs of external services. The standard library's parser brings formatted printing into a
// guest.
package endpoint

import (
	"strings"

	"github.com/latticenet/lattice-host/plugins/sdk/go/ascii"
)

// Endpoint is what a URL says about where to connect.
type Endpoint struct {
	Scheme string
	// Host is a host name or an IP address without brackets.
	Host string
	Port int64
	// Secret says that the URL carries a password.
	Secret bool
}

// Parse reads scheme://[user[:password]@]host[:port][/…]. The port may be left out for http and https. The problem is
// empty when the URL is fine.
func Parse(url string) (e Endpoint, problem string) {
	scheme, rest, found := strings.Cut(url, "://")
	if !found || scheme == "" {
		return e, "has no scheme; write it as https://host or tcp://host:port"
	}
	e.Scheme = ascii.Lower(scheme)
	if end := ascii.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		e.Secret = strings.IndexByte(rest[:at], ':') >= 0
		rest = rest[at+1:]
	}
	var port string
	if strings.HasPrefix(rest, "[") {
		host, behind, closed := strings.Cut(rest[1:], "]")
		if !closed || behind != "" && behind[0] != ':' {
			return e, "has brackets that do not enclose an address"
		}
		e.Host, port = host, strings.TrimPrefix(behind, ":")
	} else {
		e.Host, port, _ = strings.Cut(rest, ":")
	}
	if e.Host == "" {
		return e, "names no host"
	}
	switch {
	case port != "":
		n, ok := ascii.ParseInt(port, 10)
		if !ok || n < 1 || n > 65535 {
			return e, "has the port " + port + ", which is not a number from 1 to 65535"
		}
		e.Port = n
	case e.Scheme == "http":
		e.Port = 80
	case e.Scheme == "https":
		e.Port = 443
	default:
		return e, "needs a port, because " + e.Scheme + " has no default; write " + e.Scheme + "://host:port"
	}
	return e, ""
}
