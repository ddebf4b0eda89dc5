// Package ascii does for guests what a derivation does to names, paths and numbers. The standard
// library's functions for it know all of Unicode and quote text in their errors, and bring the
// tables for both into a module.
package ascii

// Lower turns A to Z into a to z.
func Lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// Upper turns a to z into A to Z.
func Upper(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'a' && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b)
}

// Swap returns s with every byte from replaced by to.
func Swap(s string, from, to byte) string {
	b := []byte(s)
	for i, c := range b {
		if c == from {
			b[i] = to
		}
	}
	return string(b)
}

// IndexAny returns where the first of the bytes in set is in s, or -1.
func IndexAny(s, set string) int {
	for i := range len(s) {
		for j := range len(set) {
			if s[i] == set[j] {
				return i
			}
		}
	}
	return -1
}

// Only reports whether every byte of s is one that is wanted.
func Only(s string, wanted func(byte) bool) bool {
	for i := range len(s) {
		if !wanted(s[i]) {
			return false
		}
	}
	return true
}

// Trim removes the byte c from both ends of s.
func Trim(s string, c byte) string {
	for s != "" && s[0] == c {
		s = s[1:]
	}
	for s != "" && s[len(s)-1] == c {
		s = s[:len(s)-1]
	}
	return s
}

// ParseInt reads a number without sign in base 8 or 10, of at most 18 digits.
func ParseInt(s string, base int64) (n int64, ok bool) {
	for i := range len(s) {
		digit := int64(s[i]) - '0'
		if digit < 0 || digit >= base {
			return 0, false
		}
		n = n*base + digit
	}
	return n, s != "" && len(s) <= 18
}

// Base64 returns s in base64 with padding (RFC 4648, section 4), as the data of a Secret is
// written.
func Base64(s string) string {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	out := make([]byte, 0, (len(s)+2)/3*4)
	for ; len(s) >= 3; s = s[3:] {
		v := uint(s[0])<<16 | uint(s[1])<<8 | uint(s[2])
		out = append(out, digits[v>>18], digits[v>>12&63], digits[v>>6&63], digits[v&63])
	}
	switch len(s) {
	case 1:
		v := uint(s[0]) << 4
		out = append(out, digits[v>>6], digits[v&63], '=', '=')
	case 2:
		v := uint(s[0])<<10 | uint(s[1])<<2
		out = append(out, digits[v>>12], digits[v>>6&63], digits[v&63], '=')
	}
	return string(out)
}
