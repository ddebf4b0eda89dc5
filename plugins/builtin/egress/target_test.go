package egress

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/latticenet/lattice-host/abi/lattice"
)

func TestParseAddress(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want, label string }{
		{"192.0.2.1", "192.0.2.1", "192-0-2-1"},
		{"0.0.0.0", "0.0.0.0", "0-0-0-0"},
		{"2001:DB8:0:0:0:0:0:1", "2001:db8::1", "2001-db8-0-0-0-0-0-1"},
		{"2001:db8::", "2001:db8::", "2001-db8-0-0-0-0-0-0"},
		{"::", "::", "0-0-0-0-0-0-0-0"},
		{"1:0:0:2:0:0:0:3", "1:0:0:2::3", "1-0-0-2-0-0-0-3"},
		{"1:0:0:2:3:0:0:4", "1::2:3:0:0:4", "1-0-0-2-3-0-0-4"},
		{"1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7", "1-0-2-3-4-5-6-7"},
	} {
		a := parseAddress(tt.in)
		if a == nil {
			t.Errorf("%s: not read", tt.in)
			continue
		}
		if a.String() != tt.want || a.label() != tt.label {
			t.Errorf("%s: got %s and %s, want %s and %s", tt.in, a, a.label(), tt.want, tt.label)
		}
	}
	for _, in := range []string{
		"", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.04", "1.2.3.+4", "1..2.3", ":", ":::", "1::2::3", "1:2:3:4:5:6:7",
		"1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7::8", "12345::", "g::", "::ffff:192.0.2.1", "::ffff:c000:201", "fe80::1%eth0", "[::1]", "::1:",
	} {
		if a := parseAddress(in); a != nil {
			t.Errorf("%q was read as %s", in, a)
		}
	}
}

func TestParseBlock(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want, problem string }{
		{"192.0.2.1/32", "192.0.2.1/32", ""},
		{"10.0.0.0/8", "10.0.0.0/8", ""},
		{"0.0.0.0/0", "0.0.0.0/0", ""},
		{"192.0.2.128/25", "192.0.2.128/25", ""},
		{"2001:DB8::/32", "2001:db8::/32", ""},
		{"192.0.2.1", "", "has no prefix length; write 192.0.2.1/32 for the one address"},
		{"::1", "", "write ::1/128"},
		{"192.0.2.1/24", "", "has bits set after its prefix length"},
		{"2001:db8::1/127", "", "has bits set after its prefix length"},
		{"10.0.0.0/33", "", "not a number from 0 to 32"},
		{"10.0.0.0/08", "", "not a number from 0 to 32"},
		{"::/129", "", "not a number from 0 to 128"},
		{"10.0.0.0/", "", "not a number from 0 to 32"},
		{"example.com/24", "", "is not an address block"},
	} {
		b, problem := parseBlock(tt.in)
		switch {
		case tt.problem == "" && (problem != "" || b.String() != tt.want):
			t.Errorf("%s: got %s and the problem %q, want %s", tt.in, b, problem, tt.want)
		case !strings.Contains(problem, tt.problem):
			t.Errorf("%s: got the problem %q, want %q", tt.in, problem, tt.problem)
		}
	}
}

func TestCheckHost(t *testing.T) {
	t.Parallel()
	label := strings.Repeat("a", 63)
	for _, tt := range []struct{ in, problem string }{
		{"api.example.com", ""},
		{"localhost", ""},
		{"*.example.com", ""},
		{"_dmarc.example.com", ""},
		{"1.example.com", ""},
		{label + ".example.com", ""},
		{"", "is not a host name"},
		{"*", "is not a host name"},
		{"a.*.example.com", "is not a host name"},
		{"-a.example.com", "is not a host name"},
		{"a-.example.com", "is not a host name"},
		{"a..b", "is not a host name"},
		{"ex ample.com", "is not a host name"},
		{"API.example.com", "is not a host name"},
		{"a" + label + ".com", "is not a host name"},
		{strings.Repeat("a.", 126) + "aa", "longer than the 253 characters"},
		{"db.media.svc.cluster.local", "is the name of a Service"},
		{"*.media.svc.cluster.local", "is the name of a Service"},
		{"db.media.svc", "is the name of a Service"},
		{"cluster.local.example.com", ""},
		{"192.0.2.300", "ends like an IP address"},
	} {
		problem := checkHost(tt.in)
		if problem == "" != (tt.problem == "") || !strings.Contains(problem, tt.problem) {
			t.Errorf("%q: got the problem %q, want %q", tt.in, problem, tt.problem)
		}
	}
}

// FuzzTarget compares with the standard library what a target says, and that equal targets have
// equal texts.
func FuzzTarget(f *testing.F) {
	for _, s := range []string{"10.0.0.0/8", "2001:db8::/32", "::1/128", "1:0:0:2:0:0:0:3/128", "api.example.com", "*.example.com", "::ffff:1.2.3.4/128", "::ffff:102:304/128"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b, _, problem := checkTarget(lattice.EgressTarget{CIDR: s})
		prefix, err := netip.ParsePrefix(s)
		// Some forms that the standard library reads are refused: see parseAddress.
		known := err == nil && prefix == prefix.Masked() && !prefix.Addr().Is4In6() && (prefix.Addr().Is4() || !strings.Contains(s, "."))
		if known != (problem == "") {
			t.Fatalf("%q: known: %v, problem: %q", s, known, problem)
		}
		if known && b.CIDR != prefix.String() {
			t.Fatalf("%q: got %s, want %s", s, b.CIDR, prefix)
		}
		h, _, problem := checkTarget(lattice.EgressTarget{FQDN: s})
		if problem != "" {
			return
		}
		again, _, problem := checkTarget(h.EgressTarget)
		if problem != "" || again.FQDN != h.FQDN {
			t.Fatalf("%q became %q, which became %q: %s", s, h.FQDN, again.FQDN, problem)
		}
	})
}
