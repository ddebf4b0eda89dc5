package facts

import (
	"strings"
	"testing"
)

func TestParseImage(t *testing.T) {
	digest := "sha256:" + strings.Repeat("0a", 32)
	tests := map[string]image{
		"nginx":                        {"docker.io", "library/nginx", "latest", false},
		"nginx:1.27":                   {"docker.io", "library/nginx", "1.27", false},
		"a/b":                          {"docker.io", "a/b", "latest", false},
		"ghcr.io/a/b:v1":               {"ghcr.io", "a/b", "v1", false},
		"reg:5000/app":                 {"reg:5000", "app", "latest", false},
		"localhost/x":                  {"localhost", "x", "latest", false},
		"index.docker.io/a/b":          {"docker.io", "a/b", "latest", false},
		"GHCR.io/a/b:v1":               {"ghcr.io", "a/b", "v1", false},
		"Team/app:1":                   {"team", "app", "1", false},
		"docker.io/nginx":              {"docker.io", "library/nginx", "latest", false},
		"alpine@" + digest:             {"docker.io", "library/alpine", digest, true},
		"ghcr.io/a/b:v1@" + digest:     {"ghcr.io", "a/b", digest, true},
		"a/b@" + digest[:70]:           {"docker.io", "a/b", digest[:70], false},
		"a/b@" + digest + "0":          {"docker.io", "a/b", digest + "0", false},
		"a/b@sha512:" + digest[7:]:     {"docker.io", "a/b", "sha512:" + digest[7:], false},
		"a/b@" + digest + "@" + digest: {"docker.io", "a/b", digest + "@" + digest, false},
		"@" + digest:                   {"docker.io", "library/", digest, true},
	}
	for s, want := range tests {
		if got := parseImage(s); got != want {
			t.Errorf("%s: got %v, want %v", s, got, want)
		}
	}
}
