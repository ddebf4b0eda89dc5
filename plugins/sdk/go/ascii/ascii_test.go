package ascii

import (
	"encoding/base64"
	"strconv"
	"strings"
	"testing"
)

// Each function is held against the one of the standard library that it replaces.
func TestAgainstStandardLibrary(t *testing.T) {
	for _, s := range []string{"", "a", "Ab-C/d", "/etc/app", "--x--", "---", "é-É", "0755", "18446744073709551616", "12a", "-1", "8"} {
		if got, want := Lower(s), strings.ToLower(s); got != want && !strings.ContainsRune(s, 'É') {
			t.Errorf("Lower(%q) = %q, want %q", s, got, want)
		}
		if got, want := Upper(s), strings.ToUpper(s); got != want && !strings.ContainsRune(s, 'é') {
			t.Errorf("Upper(%q) = %q, want %q", s, got, want)
		}
		if got, want := Swap(s, '/', '-'), strings.ReplaceAll(s, "/", "-"); got != want {
			t.Errorf("Swap(%q) = %q, want %q", s, got, want)
		}
		if got, want := IndexAny(s, "/-"), strings.IndexAny(s, "/-"); got != want {
			t.Errorf("IndexAny(%q) = %d, want %d", s, got, want)
		}
		if got, want := Trim(s, '-'), strings.Trim(s, "-"); got != want {
			t.Errorf("Trim(%q) = %q, want %q", s, got, want)
		}
		digits := func(c byte) bool { return c >= '0' && c <= '9' }
		if got, want := Only(s, digits), strings.Trim(s, "0123456789") == ""; got != want {
			t.Errorf("Only(%q, digits) = %t, want %t", s, got, want)
		}
		for _, base := range []int{8, 10} {
			want, err := strconv.ParseUint(s, base, 59)
			if got, ok := ParseInt(s, int64(base)); ok != (err == nil) || ok && got != int64(want) {
				t.Errorf("ParseInt(%q, %d) = %d, %t, want %d, %v", s, base, got, ok, want, err)
			}
		}
	}
}

func TestBase64(t *testing.T) {
	for n := range 70 {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(i*37 + n*11)
		}
		if got, want := Base64(string(b)), base64.StdEncoding.EncodeToString(b); got != want {
			t.Errorf("%d bytes: got %s, want %s", n, got, want)
		}
	}
}
