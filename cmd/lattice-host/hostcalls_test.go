package main

import (
	"bytes"
	"context"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/hostcall"
)

// page answers every request with its text.
type page struct {
	text  string
	asked int
}

func (p *page) Get(ctx context.Context, r *abi.HTTPGetRequest, admit func(context.Context, *url.URL) error) (*abi.HTTPGetAnswer, error) {
	p.asked++
	u, err := url.Parse(r.URL)
	if err != nil {
		return nil, err
	}
	if err := admit(ctx, u); err != nil {
		return nil, err
	}
	return &abi.HTTPGetAnswer{Status: 200, Text: p.text}, nil
}

const fetchPipeline = `apiVersion: lattice.dev/v1
kind: Pipeline
metadata: {name: calls}
spec:
  for: {group: lattice.dev, kind: LatticeService}
  steps:
    - {name: calls, plugin: hostcaller, settings: {calls: [{op: http, url: "https://example.com/prices"}], ask: peer}}
`

// TestDeriveFetches derives with a page from the network: asked for in each round but fetched once,
// fetched again in spite of kept answers, and not fetched when a record is replayed.
func TestDeriveFetches(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	must(t, "key", "new", "demo", "--unencrypted", "--dir", dir)
	must(t, "plugin", "build", filepath.Join(root, "wasm-tests", "hostcaller"), "-O", in("caller.wasm"))
	must(t, "plugin", "sign", in("caller.wasm"), "--key", in("demo.key"))
	must(t, "index", "init", in("index"), "--keys", in("keys"), "--unencrypted")
	must(t, "index", "add", in("index"), in("caller.wasm"), "--keys", in("keys"), "--publisher-key", in("demo.pub"))
	must(t, "--home", in("home"), "index", "trust", in("keys/root.json"), "--location", in("index"))
	must(t, "--home", in("home"), "install", "hostcaller", "--activate", "--grant", "http.get", "--grant", "kv", "--grant", "resources.read")
	if err := os.WriteFile(in("pipeline.yaml"), []byte(fetchPipeline), 0o600); err != nil {
		t.Fatal(err)
	}
	derive := func(pages hostcall.Getter, flags ...string) string {
		t.Helper()
		var stdout, stderr bytes.Buffer
		a := newApp(newReader(""), &stdout, &stderr)
		a.pages = pages
		a.getenv = func(name string) string { return map[string]string{"LATTICE_CACHE": in("cache")}[name] }
		args := []string{
			"--home", in("home"), "derive", "-f", filepath.Join(root, "examples", "minimal.yaml"), "--pipeline", in("pipeline.yaml"), "-o", "json",
		}
		if code := a.run(t.Context(), append(args, flags...)); code != exitDone {
			t.Fatalf("exit code %d: %s", code, stderr.Bytes())
		}
		return stdout.String()
	}
	one, two := &page{text: "price 1"}, &page{text: "price 2"}
	first := derive(one, "--record", in("calls.jsonl"))
	if !strings.Contains(first, "200 price 1") || strings.Count(first, `"op":"http.get"`) != 2 || one.asked != 1 {
		t.Errorf("asked %d times for\n%s", one.asked, first)
	}
	if again := derive(one); again != first || one.asked != 2 {
		t.Errorf("asked %d times for\n%s", one.asked, again)
	}
	if other := derive(two); !strings.Contains(other, "200 price 2") || two.asked != 1 {
		t.Errorf("a page that changed: asked %d times for\n%s", two.asked, other)
	}
	for _, flags := range [][]string{{"--replay", in("calls.jsonl")}, {"--replay", in("calls.jsonl"), "--no-memo"}} {
		if replayed := derive(two, flags...); replayed != first || two.asked != 1 {
			t.Errorf("%v: asked %d times for\n%s", flags, two.asked, replayed)
		}
	}
}
