// Package httpget sends the GET requests of plugins: https only, to public addresses only, without
// anything of the machine's own in them, bounded in size and time. It answers in a few fixed words,
// so that what cannot be reached looks the same each time and tells nothing about the network the
// host is in.
package httpget

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/latticenet/lattice-host/abi"
)

// Bounds of one request beyond those of the ABI.
const (
	// maxHeaderBytes bounds the headers of an answer.
	maxHeaderBytes = 64 << 10
	// maxAcceptBytes is the longest Accept header.
	maxAcceptBytes = 256
	// maxReturnedHeader is the longest header that is returned.
	maxReturnedHeader = 1024
	// maxAddresses is how many addresses of one name are tried.
	maxAddresses = 4
)

// userAgent tells servers who asks, and nothing else.
const userAgent = "lattice-host"

// returnedHeaders are passed on to a plugin. They say what the body is; others differ from one
// answer to the next.
func returnedHeaders() []string { return []string{"content-type", "etag", "last-modified"} }

// resolver finds the addresses of a name.
type resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Client sends GET requests. It is safe for concurrent use.
type Client struct {
	http     *http.Client
	resolver resolver
	// allowed decides about an address.
	allowed func(netip.Addr) bool
}

// New returns a client that reaches public addresses only.
func New() *Client { return newClient(net.DefaultResolver, public, nil) }

func newClient(r resolver, allowed func(netip.Addr) bool, roots *x509.CertPool) *Client {
	c := &Client{resolver: r, allowed: allowed}
	c.http = &http.Client{
		// No jar, no proxy of the environment, no credentials.
		Transport: &http.Transport{
			Proxy:                  nil,
			DialContext:            c.dial,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
			ForceAttemptHTTP2:      true,
			MaxResponseHeaderBytes: maxHeaderBytes,
			// What was checked for one request is not kept for another one.
			DisableKeepAlives: true,
			// The body is unpacked here, within its limit.
			DisableCompression: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c
}

func problem(code abi.HostErrorCode, message string) *abi.HostError {
	return &abi.HostError{Code: code, Message: message}
}

// Get sends a request and follows redirects. Before each request it asks admit, whose error ends
// it. The error is an [*abi.HostError], unless ctx is done.
func (c *Client) Get(
	ctx context.Context, r *abi.HTTPGetRequest, admit func(context.Context, *url.URL) error,
) (*abi.HTTPGetAnswer, error) {
	if !validAccept(r.Accept) {
		return nil, problem(abi.HostErrorInvalid, "accept: must be printable ASCII, at most "+strconv.Itoa(maxAcceptBytes)+" bytes")
	}
	bounded, cancel := context.WithTimeout(ctx, abi.MaxHTTPMillis*time.Millisecond)
	defer cancel()
	answer, err := c.follow(bounded, r, admit)
	var known *abi.HostError
	switch {
	case err == nil:
		return answer, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case bounded.Err() != nil:
		return nil, problem(abi.HostErrorUnavailable, "the server did not answer within "+strconv.Itoa(abi.MaxHTTPMillis)+" milliseconds")
	case errors.As(err, &known):
		return nil, known
	}
	return nil, problem(abi.HostErrorUnavailable, "the server could not be reached")
}

func validAccept(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return len(s) <= maxAcceptBytes
}

func (c *Client) follow(
	ctx context.Context, r *abi.HTTPGetRequest, admit func(context.Context, *url.URL) error,
) (*abi.HTTPGetAnswer, error) {
	u, err := url.Parse(r.URL)
	if err != nil {
		return nil, problem(abi.HostErrorInvalid, "url: is not a URL")
	}
	for range abi.MaxHTTPRedirects + 1 {
		if err := admit(ctx, u); err != nil {
			return nil, err
		}
		answer, next, err := c.send(ctx, u, r.Accept)
		if err != nil || next == nil {
			return answer, err
		}
		u = next
	}
	return nil, problem(abi.HostErrorUnavailable, "the server redirects more than "+strconv.Itoa(abi.MaxHTTPRedirects)+" times")
}

// send sends one request. It returns the answer, or where the server redirects to.
func (c *Client) send(ctx context.Context, u *url.URL, accept string) (answer *abi.HTTPGetAnswer, next *url.URL, err error) {
	if u.Scheme != "https" {
		return nil, nil, problem(abi.HostErrorDenied, "only https is allowed, the server redirects to another scheme")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return nil, nil, problem(abi.HostErrorInvalid, "url: is not a URL")
	}
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("Accept-Encoding", "gzip")
	if accept != "" {
		req.Header.Set("Accept", accept)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, nil, err
	}
	// Nothing that goes wrong now matters: the answer is complete, or there is an error already.
	defer func() { _ = resp.Body.Close() }()
	if next, err = redirect(u, resp); err != nil || next != nil {
		return nil, next, err
	}
	answer, err = read(resp)
	return answer, nil, err
}

// redirect returns where the server redirects to, or nil.
func redirect(from *url.URL, resp *http.Response) (*url.URL, error) {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return nil, nil
	}
	location := resp.Header.Get("Location")
	to, err := url.Parse(location)
	if location == "" || err != nil {
		return nil, problem(abi.HostErrorUnavailable, "the server redirects to what is not a URL")
	}
	next := from.ResolveReference(to)
	// A fragment is for the reader, not for the server.
	next.Fragment, next.RawFragment = "", ""
	return next, nil
}

// read returns an answer as the plugin gets it.
func read(resp *http.Response) (*abi.HTTPGetAnswer, error) {
	body, err := readBody(resp)
	if err != nil {
		return nil, err
	}
	answer := &abi.HTTPGetAnswer{Status: int64(resp.StatusCode)}
	for _, name := range returnedHeaders() {
		if v := resp.Header.Get(name); v != "" && len(v) <= maxReturnedHeader && utf8.ValidString(v) {
			answer.Headers.Set(name, v)
		}
	}
	if utf8.Valid(body) {
		answer.Text = string(body)
	} else {
		answer.Base64 = base64.StdEncoding.EncodeToString(body)
	}
	return answer, nil
}

// dial connects to a name. All its addresses must be allowed: one that is not shows that somebody
// points the name at what it should not. The connection goes to an address that was checked, not to
// the name, which may have another one by then.
func (c *Client) dial(ctx context.Context, network, hostport string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		return nil, err
	}
	addresses, err := c.resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	for _, a := range addresses {
		if !c.allowed(a) {
			return nil, problem(abi.HostErrorDenied, "the host has an address that is not public")
		}
	}
	return c.dialFirst(ctx, network, addresses[:min(len(addresses), maxAddresses)], port)
}

var errNoAddress = errors.New("the name has no address")

// dialFirst connects to the first address that answers.
func (c *Client) dialFirst(ctx context.Context, network string, addresses []netip.Addr, port string) (net.Conn, error) {
	d := net.Dialer{Control: c.control}
	err := errNoAddress
	for _, a := range addresses {
		var conn net.Conn
		if conn, err = d.DialContext(ctx, network, net.JoinHostPort(a.Unmap().String(), port)); err == nil {
			return conn, nil
		}
	}
	return nil, err
}

// control looks at the address once more where the connection is made, after everything that could
// have changed it.
func (c *Client) control(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || !c.allowed(to.Addr()) {
		return problem(abi.HostErrorDenied, "the host has an address that is not public")
	}
	return nil
}
