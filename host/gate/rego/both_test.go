package rego

import "testing"

// emptyDigest is the SHA-256 of nothing: the digest of no rules, in every build.
const emptyDigest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

func TestNoFiles(t *testing.T) {
	t.Parallel()
	e, err := Parse(nil, nil, Options{})
	if err != nil || e.Len() != 0 || e.Digest() != emptyDigest || e.Name() != "rego" || e.Authorizes() {
		t.Errorf("got %+v and %v", e, err)
	}
	report, err := Test(t.Context(), nil, nil, Options{})
	if err != nil || len(report.Results)+len(report.Silent) > 0 {
		t.Errorf("got %+v and %v", report, err)
	}
}
