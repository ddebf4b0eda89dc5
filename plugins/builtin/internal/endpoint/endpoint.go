// Package endpoint reads the URLs of external services. The standard library's parser brings
// formatted printing into a guest.
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

// Parse reads [scheme://][user[:password]@]host[:port][/…]. The port may be left out for http and
// https; without a scheme, which then is tcp, there must be one. The host is returned as policies
// name it, in lower case and without a final dot. The problem is empty when the URL is fine.
func Parse(url string) (e Endpoint, problem string) {
	scheme, rest, found := strings.Cut(url, "://")
	if !found {
		scheme, rest = "tcp", url
	}
	if scheme == "" {
		return e, "has no scheme; write it as https://host or host:port"
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
		host, after, closed := strings.Cut(rest[1:], "]")
		if !closed || after != "" && after[0] != ':' {
			return e, "has brackets that do not enclose an address"
		}
		e.Host, port = host, strings.TrimPrefix(after, ":")
	} else {
		e.Host, port, _ = strings.Cut(rest, ":")
	}
	if e.Host = strings.TrimSuffix(ascii.Lower(e.Host), "."); e.Host == "" {
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
	case !found:
		return e, "has neither a scheme nor a port; write it as https://" + e.Host + " or " + e.Host + ":port"
	default:
		return e, "needs a port, because " + e.Scheme + " has no default; write " + e.Scheme + "://host:port"
	}
	return e, ""
}
