package httpget

import (
	"net/netip"
	"testing"
)

func TestRow60_ForbiddenAddresses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ reason, address string }{
		{"this host", "0.0.0.0"},
		{"this network", "0.255.255.255"},
		{"private", "10.0.0.1"},
		{"private, the last", "10.255.255.255"},
		{"shared by a carrier", "100.64.0.1"},
		{"shared, the last", "100.127.255.255"},
		{"a cloud's metadata", "100.100.100.200"},
		{"loopback", "127.0.0.1"},
		{"loopback, another", "127.1.2.3"},
		{"a cloud's own services", "168.63.129.16"},
		{"link-local", "169.254.0.1"},
		{"most clouds' metadata", "169.254.169.254"},
		{"a container platform's metadata", "169.254.170.2"},
		{"private, the first", "172.16.0.0"},
		{"private, the last", "172.31.255.255"},
		{"protocol assignments", "192.0.0.8"},
		{"a cloud's metadata", "192.0.0.192"},
		{"documentation", "192.0.2.1"},
		{"6to4 relay", "192.88.99.1"},
		{"private", "192.168.1.1"},
		{"benchmarks", "198.18.0.1"},
		{"benchmarks, the last", "198.19.255.255"},
		{"documentation", "198.51.100.7"},
		{"documentation", "203.0.113.9"},
		{"multicast", "224.0.0.1"},
		{"multicast, the last", "239.255.255.255"},
		{"reserved", "240.0.0.1"},
		{"broadcast", "255.255.255.255"},
		{"unspecified", "::"},
		{"loopback", "::1"},
		{"an IPv4 address of old", "::127.0.0.1"},
		{"a public IPv4 address of old", "::8.8.8.8"},
		{"mapped loopback", "::ffff:127.0.0.1"},
		{"mapped metadata", "::ffff:169.254.169.254"},
		{"mapped private", "::ffff:10.0.0.1"},
		{"translated loopback", "64:ff9b::127.0.0.1"},
		{"translated metadata", "64:ff9b::a9fe:a9fe"},
		{"a site's own translation", "64:ff9b:1::1"},
		{"6to4 of a private address", "2002:a00:1::1"},
		{"6to4 of metadata", "2002:a9fe:a9fe::1"},
		{"6to4 of loopback", "2002:7f00:1::"},
		{"ISATAP", "2a00:1450::5efe:a00:1"},
		{"ISATAP of a public address", "2a00:1450::200:5efe:808:808"},
		{"Teredo", "2001::1"},
		{"IPv6 benchmarks", "2001:2::1"},
		{"ORCHID", "2001:20::1"},
		{"IPv6 documentation", "2001:db8::1"},
		{"IPv6 documentation, newer", "3fff::1"},
		{"discard only", "100::1"},
		{"segment routing", "5f00::1"},
		{"unique local", "fc00::1"},
		{"a cloud's metadata", "fd00:ec2::254"},
		{"another cloud's metadata", "fd20:ce::254"},
		{"link-local", "fe80::1"},
		{"link-local with a zone", "fe80::1%eth0"},
		{"a public address with a zone", "2a00:1450::1%eth0"},
		{"site-local", "fec0::1"},
		{"multicast", "ff02::1"},
		{"not assigned", "4000::1"},
	} {
		if public(netip.MustParseAddr(tc.address)) {
			t.Errorf("%s: %s counts as public", tc.reason, tc.address)
		}
	}
	if public(netip.Addr{}) {
		t.Error("no address counts as public")
	}
}

func TestPublicAddresses(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
		"168.63.129.17", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.167.255.255",
		"192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1",
		"2001:4860:4860::8888", "2606:4700:4700::1111", "2a00:1450:4001:80b::200e",
	} {
		if !public(netip.MustParseAddr(address)) {
			t.Errorf("%s does not count as public", address)
		}
	}
}
