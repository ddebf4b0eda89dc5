package policy_test

import (
	"fmt"
	"testing"

	"github.com/latticenet/lattice-host/host/gate/policy"
)

// FuzzLoad reads one file of documents, and one of tests: neither may panic, and what is loaded is
// the same each time.
func FuzzLoad(f *testing.F) {
	for _, s := range []string{
		"", "a", "- a", "kind: [", "# x\n---\n", quotaDoc, fmt.Sprintf(cedarDoc, "x", permitAdmit), quotaDoc + "---\n" + quotaDoc,
		"kind: &a [*a]", "a: &a {<<: *a}\nkind: CedarPolicy", goodTest,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		o := policy.Options{Files: []policy.File{{"p.cedar", []byte(permitAdmit)}, {"x.yaml", data}}, NoDefaults: true}
		set, err := policy.Load(o)
		if (set == nil) == (err == nil) {
			t.Fatalf("got %v, %v", set, err)
		}
		if err == nil {
			again, err := policy.Load(o)
			if err != nil || again.Digest() != set.Digest() {
				t.Fatalf("the second time: %v", err)
			}
		}
		o.Files[1].Name = "x_test.yaml"
		if report, err := policy.Test(t.Context(), o); (report == nil) == (err == nil) {
			t.Fatalf("got %v, %v", report, err)
		}
	})
}
