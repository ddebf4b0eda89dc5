package httpget

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
)

// names resolves names in tests.
type names map[string][]string

func (n names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	var found []netip.Addr
	for _, text := range n[host] {
		found = append(found, netip.MustParseAddr(text))
	}
	if found == nil {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return found, nil
}

// server is an https server that is reached as example.com.
type server struct {
	*httptest.Server
	requests atomic.Int64
	last     atomic.Pointer[http.Request]
}

func serve(t *testing.T, handler http.HandlerFunc) *server {
	t.Helper()
	s := new(server)
	s.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		s.last.Store(r)
		handler(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// client reaches the server, which is the only one on this machine that it may reach.
func (s *server) client(n names) *Client {
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	loopback := netip.MustParseAddr("127.0.0.1")
	return newClient(n, func(a netip.Addr) bool { return a.Unmap() == loopback || public(a) }, roots)
}

// url returns an address of the server.
func (s *server) url(path string) string {
	u, err := url.Parse(s.URL)
	if err != nil {
		panic(err)
	}
	return "https://example.com:" + u.Port() + path
}

var here = names{"example.com": {"127.0.0.1"}}

func anything(context.Context, *url.URL) error { return nil }

func get(t *testing.T, c *Client, address string) (*abi.HTTPGetAnswer, error) {
	t.Helper()
	return c.Get(t.Context(), &abi.HTTPGetRequest{URL: address}, anything)
}

// code returns the code of an error.
func code(err error) abi.HostErrorCode {
	var e *abi.HostError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func TestGet(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("ETag", `"v1"`)
		w.Header().Set("Set-Cookie", "secret=1")
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"price":1}`)
	})
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	c := s.client(here)
	for range 2 {
		got, err := c.Get(t.Context(), &abi.HTTPGetRequest{URL: s.url("/p?q=1"), Accept: "application/json"}, anything)
		if err != nil {
			t.Fatal(err)
		}
		want := &abi.HTTPGetAnswer{Status: 404, Text: `{"price":1}`, Headers: cbor.Map[string]{
			{Key: "content-type", Value: "application/json"}, {Key: "etag", Value: `"v1"`},
		}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		r := s.last.Load()
		wantHeaders := http.Header{"Accept": {"application/json"}, "Accept-Encoding": {"gzip"}, "User-Agent": {"lattice-host"}}
		r.Header.Del("Connection")
		if diff := cmp.Diff(wantHeaders, r.Header); diff != "" || r.URL.String() != "/p?q=1" {
			t.Errorf("asked for %s with\n%s", r.URL, diff)
		}
	}
}

func TestBodies(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(bytes.Repeat([]byte("a"), abi.MaxHTTPBodyBytes+1))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	full := strings.Repeat("a", abi.MaxHTTPBodyBytes)
	for path, tc := range map[string]struct {
		status         int
		encoding, body string
		want           *abi.HTTPGetAnswer
		code           abi.HostErrorCode
	}{
		"/none":    {status: 204, encoding: "gzip", want: &abi.HTTPGetAnswer{Status: 204}},
		"/same":    {status: 304, encoding: "gzip", want: &abi.HTTPGetAnswer{Status: 304}},
		"/empty":   {encoding: "gzip", code: abi.HostErrorUnavailable},
		"/binary":  {body: "\xff\x00", want: &abi.HTTPGetAnswer{Status: 200, Base64: "/wA="}},
		"/largest": {body: full, want: &abi.HTTPGetAnswer{Status: 200, Text: full}},
		"/large":   {body: full + "a", code: abi.HostErrorTooLarge},
		"/bomb":    {encoding: "gzip", body: packed.String(), code: abi.HostErrorTooLarge},
		"/cut":     {encoding: "gzip", body: packed.String()[:20], code: abi.HostErrorUnavailable},
		"/other":   {encoding: "br", body: "x", code: abi.HostErrorUnavailable},
		"/twice":   {encoding: "gzip, gzip", body: packed.String(), code: abi.HostErrorUnavailable},
	} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = nil
			if tc.encoding != "" {
				w.Header().Set("Content-Encoding", tc.encoding)
			}
			if tc.status != 0 {
				w.WriteHeader(tc.status)
			}
			fmt.Fprint(w, tc.body)
		})
		got, err := get(t, s.client(here), s.url(path))
		if code(err) != tc.code || tc.code == "" && err != nil {
			t.Errorf("%s: got the error %v, want %q", path, err, tc.code)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: %.300s", path, diff)
		}
	}
}

func TestForbiddenNames(t *testing.T) {
	t.Parallel()
	s := serve(t, func(http.ResponseWriter, *http.Request) {})
	for _, tc := range []struct {
		reason    string
		addresses []string
		code      abi.HostErrorCode
	}{
		{"a private address", []string{"10.0.0.1"}, abi.HostErrorDenied},
		{"a name of the metadata service", []string{"169.254.169.254"}, abi.HostErrorDenied},
		{"one good and one bad address", []string{"127.0.0.1", "10.0.0.1"}, abi.HostErrorDenied},
		{"one bad and one good address", []string{"::1", "127.0.0.1"}, abi.HostErrorDenied},
		{"a mapped address", []string{"::ffff:192.168.0.1"}, abi.HostErrorDenied},
		{"no address", nil, abi.HostErrorUnavailable},
	} {
		_, err := get(t, s.client(names{"example.com": tc.addresses}), s.url("/"))
		if code(err) != tc.code {
			t.Errorf("%s: got %v, want %s", tc.reason, err, tc.code)
		}
	}
	if n := s.requests.Load(); n != 0 {
		t.Errorf("%d requests came through", n)
	}
}

// A host that was not resolved at all, because the URL holds its address.
func TestForbiddenLiterals(t *testing.T) {
	t.Parallel()
	c := New()
	for _, address := range []string{
		"https://127.0.0.1/", "https://[::1]/", "https://169.254.169.254/latest/meta-data/", "https://[::ffff:10.0.0.1]/",
		"https://0.0.0.0/", "https://[fe80::1%25lo]/",
	} {
		if _, err := get(t, c, address); code(err) != abi.HostErrorDenied {
			t.Errorf("%s: got %v", address, err)
		}
	}
	if _, err := get(t, c, "http://example.com/"); code(err) != abi.HostErrorDenied {
		t.Errorf("http: got %v", err)
	}
}

// The connection itself is refused, whatever the check before it said.
func TestAddressIsCheckedWhereItIsDialled(t *testing.T) {
	t.Parallel()
	s := serve(t, func(http.ResponseWriter, *http.Request) {})
	c := s.client(here)
	asked := 0
	c.allowed = func(netip.Addr) bool { asked++; return asked == 1 }
	if _, err := get(t, c, s.url("/")); code(err) != abi.HostErrorDenied || asked < 2 {
		t.Errorf("got %v after %d checks", err, asked)
	}
	if n := s.requests.Load(); n != 0 {
		t.Errorf("%d requests came through", n)
	}
}

func TestAttack44_Redirects(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		to := map[string]string{
			"/other-host": "https://other.example.com/", "/loopback": "https://127.0.0.1:1/", "/http": "http://example.com/",
			"/user": "https://user:pass@example.com/", "/relative": "end#part", "/loop": "/loop",
			"/bad": "https://exa mple.com/", "/metadata": "https://metadata.example.com/",
		}[r.URL.Path]
		if n, ok := strings.CutPrefix(r.URL.Path, "/times/"); ok {
			to = "/times/" + strings.TrimPrefix(n, "x")
			if n == "" {
				to = "/end"
			}
		}
		if to == "" {
			fmt.Fprint(w, "here")
			return
		}
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusFound)
	})
	c := s.client(names{"example.com": {"127.0.0.1"}, "metadata.example.com": {"169.254.169.254"}})
	admit := func(_ context.Context, u *url.URL) error {
		if u.Hostname() != "example.com" && u.Hostname() != "metadata.example.com" || u.User != nil {
			return problem(abi.HostErrorDenied, "no")
		}
		return nil
	}
	for _, tc := range []struct {
		path string
		code abi.HostErrorCode
	}{
		{"/relative", ""}, {"/times/xxxx", ""}, {"/times/xxxxx", abi.HostErrorUnavailable}, {"/other-host", abi.HostErrorDenied},
		{"/loopback", abi.HostErrorDenied}, {"/http", abi.HostErrorDenied}, {"/user", abi.HostErrorDenied},
		{"/loop", abi.HostErrorUnavailable}, {"/bad", abi.HostErrorUnavailable}, {"/metadata", abi.HostErrorDenied},
	} {
		got, err := c.Get(t.Context(), &abi.HTTPGetRequest{URL: s.url(tc.path)}, admit)
		if code(err) != tc.code || tc.code == "" && (err != nil || got.Text != "here") {
			t.Errorf("%s: got %v, %v, want %q", tc.path, got, err, tc.code)
		}
	}
}

func TestUntrustedServer(t *testing.T) {
	t.Parallel()
	s := serve(t, func(http.ResponseWriter, *http.Request) {})
	c := newClient(here, func(netip.Addr) bool { return true }, x509.NewCertPool())
	if _, err := get(t, c, s.url("/")); code(err) != abi.HostErrorUnavailable {
		t.Errorf("a server without a trusted certificate: got %v", err)
	}
}

func TestCancelledRequestEnds(t *testing.T) {
	t.Parallel()
	inside, done := make(chan struct{}), make(chan struct{})
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		close(inside)
		select {
		case <-r.Context().Done():
		case <-done:
		}
	})
	defer close(done)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-inside; cancel() }()
	begin := time.Now()
	_, err := s.client(here).Get(ctx, &abi.HTTPGetRequest{URL: s.url("/")}, anything)
	if !errors.Is(err, context.Canceled) || time.Since(begin) > abi.MaxHTTPMillis*time.Millisecond {
		t.Errorf("got %v after %s", err, time.Since(begin))
	}
}

func TestAccept(t *testing.T) {
	t.Parallel()
	for _, accept := range []string{"a\r\nHost: evil", "\x00", "ä", strings.Repeat("x", maxAcceptBytes+1)} {
		_, err := New().Get(t.Context(), &abi.HTTPGetRequest{URL: "https://example.com/", Accept: accept}, anything)
		if code(err) != abi.HostErrorInvalid {
			t.Errorf("%q: got %v", accept, err)
		}
	}
}

// A few packed bytes must not make the host hold many.
func TestBombIsNotUnpacked(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	zeros := make([]byte, 1<<20)
	for range 256 {
		_, _ = z.Write(zeros)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	resp := &http.Response{Header: http.Header{"Content-Encoding": {"gzip"}}, Body: io.NopCloser(&packed)}
	if _, err := readBody(resp); code(err) != abi.HostErrorTooLarge {
		t.Errorf("got %v", err)
	}
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 16*abi.MaxHTTPBodyBytes {
		t.Errorf("reading it took %d bytes", grown)
	}
}
