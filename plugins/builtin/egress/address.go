package egress

import (
	"strconv"
	"strings"
)

// address is an IP address: 4 bytes for IPv4, 16 for IPv6. The standard library's packages for
// addresses bring formatted printing into a guest.
type address []byte

// mappedPrefix begins the IPv6 addresses that stand for IPv4 addresses (RFC 4291, section 2.5.5.2).
const mappedPrefix = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff"

// parseAddress reads an IPv4 or IPv6 address, or returns nil. An IPv4 address in the form of an
// IPv6 address is refused, because a policy for one of the forms does not hold for the other, and a
// zone, because it means something on one host only.
func parseAddress(s string) address {
	if strings.IndexByte(s, ':') < 0 {
		return parseIPv4(s)
	}
	head, tail, compressed := strings.Cut(s, "::")
	if strings.Contains(tail, "::") {
		return nil
	}
	front, ok := parseGroups(head)
	back, ok2 := parseGroups(tail)
	zeros := 16 - len(front) - len(back)
	if !ok || !ok2 || !compressed && zeros != 0 || compressed && zeros < 2 {
		return nil
	}
	a := append(append(front, make([]byte, zeros)...), back...)
	if strings.HasPrefix(string(a), mappedPrefix) {
		return nil
	}
	return a
}

func parseIPv4(s string) address {
	var a address
	for part := range strings.SplitSeq(s, ".") {
		n, err := strconv.ParseUint(part, 10, 8)
		if err != nil || len(a) == 4 || len(part) > 1 && part[0] == '0' {
			return nil
		}
		a = append(a, byte(n))
	}
	if len(a) != 4 {
		return nil
	}
	return a
}

// parseGroups reads the groups on one side of the two colons.
func parseGroups(s string) (groups address, ok bool) {
	if s == "" {
		return nil, true
	}
	for part := range strings.SplitSeq(s, ":") {
		n, err := strconv.ParseUint(part, 16, 16)
		if err != nil || len(part) > 4 || len(groups) == 16 {
			return nil, false
		}
		groups = append(groups, byte(n>>8), byte(n))
	}
	return groups, true
}

// bits is the number of bits of the address.
func (a address) bits() int { return 8 * len(a) }

// String returns the address in its canonical form (IPv6: RFC 5952).
func (a address) String() string {
	if len(a) == 4 {
		return a.join(".")
	}
	start, length := a.zeros()
	if length < 2 {
		return a.join(":")
	}
	return a[:2*start].join(":") + "::" + a[2*(start+length):].join(":")
}

// join writes the bytes of an IPv4 address, or groups of an IPv6 address.
func (a address) join(separator string) string {
	var parts []string
	if separator == "." {
		for _, b := range a {
			parts = append(parts, strconv.Itoa(int(b)))
		}
		return strings.Join(parts, separator)
	}
	for i := 0; i < len(a); i += 2 {
		parts = append(parts, strconv.FormatUint(uint64(a[i])<<8|uint64(a[i+1]), 16))
	}
	return strings.Join(parts, separator)
}

// zeros returns the first of the longest runs of zero groups.
func (a address) zeros() (start, length int) {
	run := 0
	for i := range len(a) / 2 {
		if a[2*i] != 0 || a[2*i+1] != 0 {
			run = 0
			continue
		}
		run++
		if run > length {
			start, length = i-run+1, run
		}
	}
	return start, length
}

// label returns the address as part of a DNS label: hyphens for dots and colons, all eight groups
// of IPv6.
func (a address) label() string {
	if len(a) == 4 {
		return strings.ReplaceAll(a.join("."), ".", "-")
	}
	return a.join("-")
}

// masked reports whether every bit after the first n is zero.
func (a address) masked(n int) bool {
	for i, b := range a {
		keep := min(max(n-8*i, 0), 8)
		if b<<keep != 0 {
			return false
		}
	}
	return true
}

// block is an IP address block; one address when every bit counts.
type block struct {
	address address
	bits    int
}

// parseBlock reads address/bits. The problem is empty when it is one.
func parseBlock(s string) (b block, problem string) {
	text, suffix, found := strings.Cut(s, "/")
	b.address = parseAddress(text)
	switch {
	case b.address == nil:
		return b, "is not an address block; write it as 192.0.2.0/24 or 2001:db8::/32"
	case !found:
		return b, "has no prefix length; write " + s + "/" + strconv.Itoa(b.address.bits()) + " for the one address"
	}
	n, err := strconv.ParseUint(suffix, 10, 8)
	if err != nil || int(n) > b.address.bits() || len(suffix) > 1 && suffix[0] == '0' {
		return b, "has a prefix length that is not a number from 0 to " + strconv.Itoa(b.address.bits())
	}
	b.bits = int(n)
	if !b.address.masked(b.bits) {
		return b, "has bits set after its prefix length; write the first address of the block, or /" +
			strconv.Itoa(b.address.bits()) + " for the one address"
	}
	return b, ""
}

// single reports whether the block is one address.
func (b block) single() bool { return b.bits == b.address.bits() }

func (b block) String() string { return b.address.String() + "/" + strconv.Itoa(b.bits) }
