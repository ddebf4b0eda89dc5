package builtins

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/internal/problem"
)

// limited is a document of one container with further fields of it, and further resources.
func limited(name, container, resources string) string {
	return `{apiVersion: lattice.dev/v1alpha1, kind: LatticeService, metadata: {name: ` + name + `, namespace: shop}, spec: {workload: {
		containers: {main: {image: "registry.example.com/a@sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
		resources: {requests: {cpu: 1m, memory: 1Mi}, limits: {cpu: 1m, memory: 1Mi}}, ` + container + `}}, resources: {` + resources + `}}}}`
}

func decodeLimited(t *testing.T, texts ...string) []*resource.Document {
	t.Helper()
	docs, err := resource.Decode("service.yaml", []byte(strings.Join(texts, "\n---\n")), resource.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return docs
}

// TestDocumentTooLarge blames a document for its size, at the field that has the most of it, and
// not the plugin's author.
func TestDocumentTooLarge(t *testing.T) {
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	plugins, err := NewNative(root)
	if err != nil {
		t.Fatal(err)
	}
	engine, err := pipeline.New(t.Context(), pipeline.Config{Plugins: plugins})
	if err != nil {
		t.Fatal(err)
	}
	content := strings.Repeat("x", 800_000)
	doc := decodeLimited(t, limited("big", "files: {/etc/a: {content: "+content[:300_000]+"}, /etc/b: {content: "+content+"}}", ""))
	_, err = engine.Derive(t.Context(), doc[0])
	if !errors.Is(err, problem.Invalid) || !strings.Contains(err.Error(), "spec.workload.containers.main.files./etc/b.content: makes the document larger than the 1048576 bytes") {
		t.Errorf("got %.300v", err)
	}
}

// measured notes the largest answer to requirements that a plugin gets.
type measured struct {
	pipeline.Plugin
	most int
}

func (m *measured) Derive(ctx context.Context, req *abi.Request) (*abi.Response, []string, error) {
	size := 0
	for _, a := range req.Answers {
		size += len(a.Resources)
	}
	m.most = max(m.most, size)
	return m.Plugin.Derive(ctx, req)
}

// TestSharedVolumeAmongMany asks for the owner of a volume alone, however many services the
// namespace has.
func TestSharedVolumeAmongMany(t *testing.T) {
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	plugins, err := NewNative(root)
	if err != nil {
		t.Fatal(err)
	}
	m := &measured{Plugin: plugins["deployment"]}
	plugins["deployment"] = m
	texts := []string{limited("owner", "", "media: {type: volume, id: media, params: {size: 1Gi, allowedConsumers: [consumer]}}")}
	for i := range 600 {
		texts = append(texts, limited(fmt.Sprintf("other-%d", i), "", fmt.Sprintf("v: {type: volume, id: other-%d, params: {size: 1Gi}}", i)))
	}
	engine, err := pipeline.New(t.Context(), pipeline.Config{Plugins: plugins, Peers: decodeLimited(t, texts...)})
	if err != nil {
		t.Fatal(err)
	}
	doc := decodeLimited(t, limited("consumer", `volumes: {/media: {source: "${resources.media}"}}`, "media: {type: volume, id: media}"))
	b, err := engine.Derive(t.Context(), doc[0])
	if err != nil {
		t.Fatal(err)
	}
	if m.most != 1 {
		t.Errorf("the plugin got %d documents, want the owner's", m.most)
	}
	affine := false
	for _, o := range b.Outputs {
		affine = affine || strings.Contains(string(o.Document), `"podAffinity"`)
	}
	if !affine {
		t.Error("the pods are not near the owner's")
	}
}
