package resource

import (
	"strings"
	"testing"
)

func TestGrammar(t *testing.T) {
	t.Parallel()
	long := func(n int) string { return strings.Repeat("a", n) }
	is := func(f func(string) bool) func(string) bool { return f }
	for name, tc := range map[string]struct {
		valid      func(string) bool
		good, evil []string
	}{
		"label":      {isLabel, []string{"a", "1a", "a-b", long(63)}, []string{"", "-a", "a-", "A", "a.b", "a_b", "é", long(64)}},
		"name":       {isName, []string{"a", "a1"}, []string{"1a", "", "-"}},
		"subdomain":  {isSubdomain, []string{"a.b-c.1"}, []string{"a..b", ".a", "a.", "A.b", long(63) + "." + long(63) + "." + long(63) + "." + long(63)}},
		"host":       {isHost, []string{"a", "a.b", "*.a.b"}, []string{"*", "*.", "a.*", "**.a", "1.2.3.4", "::1", "a:80"}},
		"namespaced": {isNamespacedName, []string{"1/a", "a/b"}, []string{"a", "a/", "/a", "a/b/c", "a/1"}},
		"variable":   {isVariable, []string{"A", "_a.b-C", "a..", "-", long(253)}, []string{"", ".", "..", "...", "..a", "1", long(254), "A=B", "A B", "É"}},
		"labelKey":   {isLabelKey, []string{"a", "a.b/c_D", "A"}, []string{"", "/a", "a/", "A/b", "a b", "a/b/c", long(64)}},
		"labelValue": {isLabelValue, []string{"", "a", "A.b_c-1"}, []string{"-", "a-", "a b"}},
		"memory":     {isMemory, []string{"1", "1k", "1.5Gi", "7Ei", "9223372036854775807"}, []string{"", "0", "1K", "1ki", "1.5", "-1", "1 Gi", "9223372036854775808", "8Ei", ".5Gi", "1e3", "Gi"}},
		"cpu":        {func(s string) bool { return Cores(s) != nil }, []string{"1", "0.5", ".5", "100m"}, []string{"", "0", "0m", "1.5m", "1.", "-1", "1e3", "m", "1M", "0.0000000001"}},
		"gpuMemory":  {isGPUMemory, []string{"1", "20Gi", "512Mi", "1048576Gi", "1073741824"}, []string{"", "0", "0Gi", "1048577Gi", "1073741825", "1Ti", "1.5Gi", "999999999999Gi"}},
		"absolute":   {isAbsolute, []string{"/a", "/a/b/", "/a.b/..c"}, []string{"", "/", "a", "//", "/a//b", "/./a", "/a/..", "/a:b"}},
		"relative":   {isRelative, []string{"a", "a/b"}, []string{"", "/a", "../a", "a/../b", "."}},
		"duration":   {is(durationPattern.MatchString), []string{"1h", "1h30m", "90s"}, []string{"", "1", "h", "1d", "1.5h", "-1h", "1h "}},
		"cron":       {is(cronPattern.MatchString), []string{"0 3 * * *", "*/5 0-6 1,15 * MON-FRI", "@daily", "@every 1h"}, []string{"", "0 3 * *", "0 3 * * * *", "@often"}},
		"sysctl":     {is(sysctlPattern.MatchString), []string{"net.core.somaxconn", "net/ipv4/ip_forward"}, []string{"", "a b", ".a", "A"}},
		"metric":     {is(metricPattern.MatchString), []string{"a", "_a:B1"}, []string{"", "1a", "a-b", "a{b}", "a\n"}},
		"port":       {isPortName, []string{"http", "a-1"}, []string{"a--b", "1a", long(16)}},
		"cidr":       {isCIDR, []string{"10.0.0.0/8", "::/0"}, []string{"10.0.0.0", "10.0.0.0/33", "a/8"}},
		"repository": {is(repositoryPattern.MatchString), []string{"a", "a:1", "a/b/c", "Host.example.com:5000/a", "[::1]:5000/a", "a__b"}, []string{"", "A", "a/", "/a", "a//b", "a:", "http://a/b", "a/B"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, s := range tc.good {
				if !tc.valid(s) {
					t.Errorf("%q must be valid", s)
				}
			}
			for _, s := range tc.evil {
				if tc.valid(s) {
					t.Errorf("%q must not be valid", s)
				}
			}
		})
	}
}

func TestBytes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"1": "1", "1k": "1000", "1Ki": "1024", "1M": "1000000", "1Mi": "1048576", "1G": "1000000000", "1.5Gi": "1610612736",
		"1T": "1000000000000", "1Ti": "1099511627776", "1P": "1000000000000000", "1Pi": "1125899906842624",
		"1E": "1000000000000000000", "1Ei": "1152921504606846976",
	} {
		if got := Bytes(text).RatString(); got != want {
			t.Errorf("Bytes(%s) = %s, want %s", text, got, want)
		}
	}
}
