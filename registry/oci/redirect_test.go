package oci

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

// TestAttack34_Hosts sends clients of several registries to several places.
func TestAttack34_Hosts(t *testing.T) {
	t.Parallel()
	names := map[string]string{
		"registry.example.com": "192.0.2.1", "blobs.example.net": "192.0.2.2", "inner.example.com": "10.0.0.1",
		"here.example.com": "127.0.0.1", "metadata.example.com": "169.254.169.254", "provider.example.com": "100.64.0.1",
	}
	r := redirects{func(_ context.Context, host string) ([]netip.Addr, error) {
		if a, ok := names[host]; ok {
			return []netip.Addr{netip.MustParseAddr(a)}, nil
		}
		return nil, errors.New("no such host")
	}}
	const outside, inside = "https://registry.example.com", "http://10.0.0.9:5000"
	for _, tc := range []struct{ from, to, says string }{
		{outside, "https://blobs.example.net/x", ""},
		{outside, "https://unknown.example.com/x", ""},
		{outside, "https://registry.example.com/x", ""},
		{outside, "http://blobs.example.net/x", "without TLS"},
		{outside, "https://10.0.0.1/x", "10.0.0.1"},
		{outside, "https://inner.example.com/x", "inner.example.com at 10.0.0.1"},
		{outside, "https://here.example.com/x", "127.0.0.1"},
		{outside, "https://[::1]/x", "::1"},
		{outside, "https://[fd00:ec2::254]/x", "fd00:ec2::254"},
		{outside, "https://[::ffff:10.0.0.1]/x", "10.0.0.1"},
		{outside, "https://provider.example.com/x", "100.64.0.1"},
		{outside, "https://metadata.example.com/x", "169.254.169.254"},
		{inside, "http://inner.example.com/x", ""},
		{inside, "http://127.0.0.1/x", ""},
		{inside, "https://blobs.example.net/x", ""},
		{inside, "http://metadata.example.com/x", "169.254.169.254"},
		{inside, "http://169.254.169.254/x", "169.254.169.254"},
	} {
		via := []*http.Request{httptest.NewRequest(http.MethodGet, tc.from, nil)}
		err := r.check(httptest.NewRequest(http.MethodGet, tc.to, nil), via)
		if (err == nil) != (tc.says == "") || err != nil && !strings.Contains(err.Error(), tc.says) {
			t.Errorf("from %s to %s: got %v, want %q", tc.from, tc.to, err, tc.says)
		}
	}
	loop := make([]*http.Request, maxRedirects)
	for i := range loop {
		loop[i] = httptest.NewRequest(http.MethodGet, outside, nil)
	}
	if err := r.check(loop[0], loop); err == nil || !strings.Contains(err.Error(), "more than 5 times") {
		t.Errorf("a loop: %v", err)
	}
}
