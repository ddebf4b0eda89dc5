package pipeline

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/host/resource"
)

const memberVersion = "lattice.dev/v1alpha1"

// fleet returns a member of each name in each namespace, the last first.
func fleet(t testing.TB, namespaces, names []string) []*resource.Document {
	t.Helper()
	var docs []*resource.Document
	for _, namespace := range slices.Backward(namespaces) {
		for _, name := range slices.Backward(names) {
			text := fmt.Appendf(nil, `apiVersion: %s
kind: LatticeMeshMember
metadata: {name: %s, namespace: %s, labels: {app: %[2]s, zone: %[3]s}}
spec: {target: {selector: {app: x}}, ports: [{name: http, port: 8080}]}
`, memberVersion, name, namespace)
			decoded, err := resource.Decode("member.yaml", text, resource.Options{})
			if err != nil {
				t.Fatal(err)
			}
			docs = append(docs, decoded...)
		}
	}
	return docs
}

// numbered returns n names.
func numbered(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("svc-%d", i)
	}
	return names
}

func TestRequirementsFindWhatTheyDescribe(t *testing.T) {
	t.Parallel()
	docs := fleet(t, []string{"a", "b", "c"}, []string{"x", "y", "z"})
	// One document is a duplicate.
	index := newPeers(append(docs, docs[0]))
	slices.SortFunc(docs, func(a, b *resource.Document) int { return a.Ref.Compare(b.Ref) })

	describes := func(r abi.Requirement, d *resource.Document) bool {
		labels := map[string]string{"app": d.Ref.Name, "zone": d.Ref.Namespace}
		return r.APIVersion == d.Ref.APIVersion && r.Kind == d.Ref.Kind &&
			(r.Namespace == "" || r.Namespace == d.Ref.Namespace) && (r.MatchName == "" || r.MatchName == d.Ref.Name) &&
			!slices.ContainsFunc(r.MatchLabels, func(l cbor.Entry[string]) bool { return labels[l.Key] != l.Value })
	}
	self := abi.Ref{APIVersion: memberVersion, Kind: "LatticeMeshMember", Namespace: "b", Name: "y"}
	// aa and xx are between two that exist, 0 sorts before and zz after all.
	for _, namespace := range []string{"", "0", "a", "aa", "b", "c", "zz"} {
		for _, name := range []string{"", "0", "x", "xx", "y", "z", "zz"} {
			for _, labels := range []cbor.Map[string]{nil, {{Key: "app", Value: "x"}}, {{Key: "app", Value: "y"}, {Key: "zone", Value: "b"}}} {
				for _, kind := range []string{"LatticeMeshMember", "LatticeService"} {
					r := abi.Requirement{APIVersion: memberVersion, Kind: kind, Namespace: namespace, MatchName: name, MatchLabels: labels}
					var want []cbor.Raw
					for _, d := range docs {
						if d.Ref != self && describes(r, d) {
							want = append(want, d.CBOR())
						}
					}
					if diff := cmp.Diff(want, index.match(r, self)); diff != "" {
						t.Errorf("%s: %s", requirementText(r), diff)
					}
				}
			}
		}
	}
}

// A fleet ten times as large must not make each of its services ten times as expensive.
func TestRequirementsLookAtNoMoreThanTheyName(t *testing.T) {
	t.Parallel()
	const namespaces = 3
	for _, names := range []int{10, 100, 1000} {
		index := newPeers(fleet(t, numbered(namespaces), numbered(names)))
		k := index[kindKey{memberVersion, "LatticeMeshMember"}]
		for _, tc := range []struct {
			namespace, name string
			want            int
		}{
			{"svc-1", "svc-7", 1},
			{"svc-1", "other", 0},
			{"other", "svc-7", 0},
			{"", "svc-7", namespaces},
			{"svc-1", "", names},
			{"", "", namespaces * names},
		} {
			if got := len(k.candidates(tc.namespace, tc.name)); got != tc.want {
				t.Errorf("of %d in each of %d namespaces: %q in %q looks at %d documents, want %d",
					names, namespaces, tc.name, tc.namespace, got, tc.want)
			}
		}
	}
}

func BenchmarkRequirement(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		index := newPeers(fleet(b, []string{"media"}, numbered(n)))
		r := abi.Requirement{APIVersion: memberVersion, Kind: "LatticeMeshMember", Namespace: "media", MatchName: "svc-7"}
		b.Run(fmt.Sprintf("documents=%d", n), func(b *testing.B) {
			for b.Loop() {
				if found := index.match(r, abi.Ref{}); len(found) != 1 {
					b.Fatalf("got %d documents, want 1", len(found))
				}
			}
		})
	}
}
