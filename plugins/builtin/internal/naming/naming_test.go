package naming

import (
	"strings"
	"testing"
)

func TestHashes(t *testing.T) {
	for _, tc := range []struct{ reason, got, want string }{
		{"a name derived from parts", Derived("cnp-mesh-", "media", "jellyfin"), "cnp-mesh-3c5caa8d"},
		{"the hash of no configuration", Hash(""), "e3b0c44298fc1c14"},
		{"the hash of one variable", Hash("PORT=8080\n"), "8d3389866d382855"},
	} {
		if tc.got != tc.want {
			t.Errorf("%s: got %s, want %s", tc.reason, tc.got, tc.want)
		}
	}
}

func TestDNSLabel(t *testing.T) {
	for in, want := range map[string]string{
		"/var/cache": "var-cache", "Web_App": "web-app", "9to5": "to5", "--": "", "": "", "a--": "a", "ä1": "",
		strings.Repeat("a", 70):         strings.Repeat("a", 63),
		strings.Repeat("a", 62) + "-bc": strings.Repeat("a", 62),
	} {
		if got := DNSLabel(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// TestLaw06_LabelIsInjective derives names of texts that sanitising makes equal, and of one that
// already looks like such a name.
func TestLaw06_LabelIsInjective(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, path := range []string{"/cache", "/.cache", "/Cache", "/var/cache", "/var-cache", "/1", "/ä", "/" + strings.Repeat("a", 70), "/" + strings.Repeat("a", 71)} {
		sanitised := DNSLabel(path)
		name := Label("emptydir-", sanitised, path, "/"+sanitised == path)
		if other, taken := seen[name]; taken {
			t.Errorf("%q and %q are both called %s", path, other, name)
		}
		if len(name) > maxLabel {
			t.Errorf("%q is called %s, of %d characters", path, name, len(name))
		}
		seen[name] = path
	}
}
