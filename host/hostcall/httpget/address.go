package httpget

import "net/netip"

// forbidden4 are the IPv4 networks that are not the public Internet: the special-purpose registry
// of IANA (RFC 6890) with everything that is not globally reachable, multicast, and an address of a
// cloud's own that lies outside of these.
var forbidden4 = prefixes(
	"0.0.0.0/8",        // this network
	"10.0.0.0/8",       // private
	"100.64.0.0/10",    // shared by carriers; 100.100.100.200 serves a cloud's metadata
	"127.0.0.0/8",      // loopback
	"168.63.129.16/32", // a cloud's own services on each of its machines
	"169.254.0.0/16",   // link-local; 169.254.169.254 serves most clouds' metadata
	"172.16.0.0/12",    // private
	"192.0.0.0/24",     // protocol assignments; 192.0.0.192 serves a cloud's metadata
	"192.0.2.0/24",     // documentation
	"192.31.196.0/24",  // AS112
	"192.52.193.0/24",  // AMT
	"192.88.99.0/24",   // 6to4 relays
	"192.168.0.0/16",   // private
	"192.175.48.0/24",  // AS112
	"198.18.0.0/15",    // benchmarks
	"198.51.100.0/24",  // documentation
	"203.0.113.0/24",   // documentation
	"224.0.0.0/4",      // multicast
	"240.0.0.0/4",      // reserved, and broadcast
)

// global6 is what of IPv6 is assigned to the public Internet (RFC 4291, section 2.4); everything
// else, such as unique local, link-local, multicast and loopback addresses, is out.
var global6 = netip.MustParsePrefix("2000::/3")

// forbidden6 are the networks inside of global6 that are not the public Internet.
var forbidden6 = prefixes(
	"2001::/23",         // protocol assignments, with Teredo, benchmarks and ORCHID
	"2001:db8::/32",     // documentation
	"2620:4f:8000::/48", // AS112
	"3fff::/20",         // documentation
)

// The prefixes of IPv6 addresses that mean an IPv4 address.
var (
	// nat64 holds the address in its last 32 bits (RFC 6052).
	nat64 = netip.MustParsePrefix("64:ff9b::/96")
	// sixToFour holds it after the first 16 bits (RFC 3056).
	sixToFour = netip.MustParsePrefix("2002::/16")
)

func prefixes(texts ...string) []netip.Prefix {
	list := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		list[i] = netip.MustParsePrefix(text)
	}
	return list
}

// public reports whether an address is one of the public Internet, however it is written. An
// address that means another one is what that other one is.
func public(a netip.Addr) bool {
	if !a.IsValid() || a.Zone() != "" {
		return false
	}
	a = a.Unmap()
	if a.Is4() {
		return !within(forbidden4, a)
	}
	b := a.As16()
	switch {
	case nat64.Contains(a):
		return public(netip.AddrFrom4([4]byte(b[12:])))
	case sixToFour.Contains(a):
		return public(netip.AddrFrom4([4]byte(b[2:6]))) && !isISATAP(b)
	}
	return global6.Contains(a) && !within(forbidden6, a) && !isISATAP(b)
}

// isISATAP reports whether the interface identifier of an address says that it means an IPv4
// address (RFC 5214, section 6.1): such addresses are a site's own.
func isISATAP(b [16]byte) bool {
	return b[8]&^0x03 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe
}

func within(list []netip.Prefix, a netip.Addr) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
