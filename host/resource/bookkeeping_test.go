package resource

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestLaw01_BookkeepingIsNotPartOfADocument reads one document as a user wrote it and as a server
// and clients return it.
func TestLaw01_BookkeepingIsNotPartOfADocument(t *testing.T) {
	t.Parallel()
	const rest = "spec:\n  target: {selector: {app: web}}\n  ports: [{name: http, port: 8080}]\n"
	read := func(metadata, status string) string {
		docs, err := Decode("a.yaml", []byte("apiVersion: lattice.dev/v1alpha1\nkind: LatticeMeshMember\nmetadata: {name: web, "+metadata+"}\n"+rest+status), Options{})
		if err != nil {
			t.Fatal(err)
		}
		return string(docs[0].JSON())
	}
	plain := read("annotations: {a: b}", "")
	for _, annotation := range append(bookkeeping(), "meta.helm.sh/release-name") {
		if strings.HasSuffix(annotation, "/") {
			annotation += "x"
		}
		if diff := cmp.Diff(plain, read("annotations: {a: b, "+annotation+": '{}'}", "")); diff != "" {
			t.Errorf("%s:\n%s", annotation, diff)
		}
	}
	served := read("uid: u, generation: 3, resourceVersion: '7', creationTimestamp: '2026-01-01T00:00:00Z', managedFields: [], "+
		"selfLink: /, finalizers: [x], ownerReferences: [], deletionTimestamp: null, annotations: {a: b}", "status: {ready: true}\n")
	if diff := cmp.Diff(plain, served); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(read("namespace: default", ""), read("annotations: {meta.helm.sh/release-name: x}", "")); diff != "" {
		t.Errorf("only bookkeeping leaves no annotations\n%s", diff)
	}
	for _, intent := range []string{
		"annotations: {a: c}", "annotations: {a: b, kubectl.kubernetes.io/restartedAt: now}", "annotations: {a: b}, labels: {a: b}",
		"annotations: {a: b}, namespace: other", "annotations: {a: b, meta.helm.shx/y: z}",
	} {
		if read(intent, "") == plain {
			t.Errorf("%s: is lost", intent)
		}
	}
}

// TestDocsListBookkeeping compares the documentation with the list.
func TestDocsListBookkeeping(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, annotation := range bookkeeping() {
		if !strings.Contains(string(page), "`"+strings.TrimSuffix(annotation, "/")) {
			t.Errorf("docs/operating.md does not name %s", annotation)
		}
	}
}
