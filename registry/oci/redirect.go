package oci

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
)

const maxRedirects = 5

// redirects decides where a registry may send a client.
type redirects struct {
	lookup func(ctx context.Context, host string) ([]netip.Addr, error)
}

func newRedirects() redirects {
	return redirects{func(ctx context.Context, host string) ([]netip.Addr, error) {
		return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	}}
}

// check lets a registry send a client to where it keeps blobs, but not from TLS to no TLS, and not
// from outside into the network that the client is in.
func (r redirects) check(next *http.Request, via []*http.Request) error {
	first := via[0].URL
	switch {
	case len(via) >= maxRedirects:
		return fmt.Errorf("the registry redirects more than %d times", maxRedirects)
	case first.Scheme == "https" && next.URL.Scheme != "https":
		return fmt.Errorf("the registry redirects to %s, which is without TLS", next.URL.Redacted())
	case next.URL.Host == first.Host:
		return nil
	}
	for _, to := range r.addresses(next.Context(), next.URL.Hostname()) {
		if !assigned(to) || internal(to) && !r.internal(next.Context(), first.Hostname()) {
			return fmt.Errorf("the registry redirects to %s at %s, which is not an address for a registry", next.URL.Hostname(), to)
		}
	}
	return nil
}

// internal reports whether a host is in the network that the client is in.
func (r redirects) internal(ctx context.Context, host string) bool {
	for _, a := range r.addresses(ctx, host) {
		if internal(a) {
			return true
		}
	}
	return false
}

// addresses returns the addresses of a host. A name without any is left to the connection, which
// fails or goes through a proxy that knows it.
func (r redirects) addresses(ctx context.Context, host string) []netip.Addr {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a.Unmap()}
	}
	found, err := r.lookup(ctx, host)
	if err != nil {
		return nil
	}
	for i := range found {
		found[i] = found[i].Unmap()
	}
	return found
}

// assigned reports whether a server can have an address. Link-local ones are where clouds answer
// with a machine's secrets.
func assigned(a netip.Addr) bool {
	return !a.IsUnspecified() && !a.IsMulticast() && !a.IsLinkLocalUnicast()
}

// shared is what providers number their own networks with (RFC 6598).
var shared = netip.MustParsePrefix("100.64.0.0/10")

func internal(a netip.Addr) bool { return a.IsLoopback() || a.IsPrivate() || shared.Contains(a) }
