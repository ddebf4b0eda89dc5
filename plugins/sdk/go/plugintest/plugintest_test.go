package plugintest_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	sdk "github.com/latticenet/lattice-host/plugins/sdk/go"
	"github.com/latticenet/lattice-host/plugins/sdk/go/hostcall"
	"github.com/latticenet/lattice-host/plugins/sdk/go/plugintest"
)

const manifest = `{
  "schema": "lattice.manifest.v1", "publisher": "acme", "name": "widget", "version": "1.0.0", "abi": 1, "encoding": "cbor",
  "derives": [{"group": "lattice.dev", "kind": "LatticeService"}],
  "outputs": [{"group": "", "kind": "ConfigMap"}],
  "reads": [{"group": "apps", "kind": "Deployment"}],
  "requires": [{"group": "lattice.dev", "kind": "LatticeService"}],
  "contextConsumed": ["mesh"],
  "platform": ["clusterName"],
  "capabilities": [{"name": "kv", "reason": "to remember"}],
  "settingsSchema": {"type": "object"}, "limits": {}
}`

const document = `{"apiVersion": "lattice.dev/v1alpha1", "kind": "LatticeService", "metadata": {"name": "web", "namespace": "media"}, "spec": {}}`

// object is a document that a plugin emits, or any other value.
type object struct {
	ref abi.Ref
	raw cbor.Raw
}

func (o object) Ref() abi.Ref                 { return o.ref }
func (o object) AppendCBOR(dst []byte) []byte { return append(dst, o.raw...) }

func raw(text string) cbor.Raw {
	raw, err := cbor.FromJSON(nil, []byte(text), abi.MaxDepth)
	if err != nil {
		panic(err)
	}
	return raw
}

func emit(resp *sdk.Response, document string) {
	resp.Emit(object{abi.RefOf(raw(document)), raw(document)})
}

// widget is a plugin that does what its test wants.
func widget(t testing.TB, derive func(*sdk.Request, *sdk.Response) error) *plugintest.Subject {
	t.Helper()
	file := filepath.Join(t.TempDir(), "manifest.json")
	if err := os.WriteFile(file, []byte(manifest), 0o600); err != nil {
		t.Fatal(err)
	}
	return &plugintest.Subject{Plugin: &sdk.Plugin{Derive: derive}, Manifest: file}
}

// failures runs a test and returns what it fails with.
type failures struct {
	testing.TB
	lines []string
}

func (f *failures) Helper() {}
func (f *failures) Errorf(format string, args ...any) {
	f.lines = append(f.lines, fmt.Sprintf(format, args...))
}
func (f *failures) Fatalf(format string, args ...any) { f.Errorf(format, args...); f.FailNow() }
func (f *failures) FailNow()                          { runtime.Goexit() }

func failing(t *testing.T, test func(testing.TB)) string {
	f := &failures{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		test(f)
	}()
	<-done
	return strings.Join(f.lines, "\n")
}

// TestLaw02_RefusesWhatAHostRefuses holds each refusal to its words.
func TestLaw02_RefusesWhatAHostRefuses(t *testing.T) {
	t.Parallel()
	nothing := func(*sdk.Request, *sdk.Response) error { return nil }
	emits := func(document string) func(*sdk.Request, *sdk.Response) error {
		return func(_ *sdk.Request, resp *sdk.Response) error { emit(resp, document); return nil }
	}
	calls := 0
	for name, tc := range map[string]struct {
		derive func(*sdk.Request, *sdk.Response) error
		edit   func(*plugintest.Subject)
		c      plugintest.Case
		want   string
	}{
		"a document": {
			nothing, func(s *plugintest.Subject) {
				s.Documents = func([]byte) ([]byte, error) { return nil, errors.New("spec is missing") }
			}, plugintest.Case{}, "a host refuses the document: spec is missing",
		},
		"a kind": {nothing, nil, plugintest.Case{Document: `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}`}, "no host gives the plugin a Pod: the manifest does not have it in derives"},
		"settings of a plugin that takes none": {
			nothing, func(s *plugintest.Subject) {
				text := strings.Replace(manifest, `"settingsSchema": {"type": "object"}, `, "", 1)
				s.Manifest = filepath.Join(filepath.Dir(s.Manifest), "none.json")
				_ = os.WriteFile(s.Manifest, []byte(text), 0o600)
			}, plugintest.Case{Settings: `{}`}, "no host gives the plugin settings: the manifest has no settingsSchema",
		},
		"settings": {
			nothing, func(s *plugintest.Subject) {
				s.Plugin.Validate = func(_ sdk.Value, r *sdk.Response) { r.Error("size", "is too large") }
			}, plugintest.Case{Settings: `{"size": 9}`}, "the plugin refuses the settings: size: is too large",
		},
		"an output that is not read": {nothing, nil, plugintest.Case{Outputs: []string{`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"}}`}}, "no host shows the plugin Secret a: the manifest does not have the kind in reads"},
		"context":                    {nothing, nil, plugintest.Case{Context: cbor.Map[string]{{Key: "other", Value: "1"}}}, "no host shows the plugin the context other: the manifest does not have it in contextConsumed"},
		"a large request":            {nothing, nil, plugintest.Case{Context: cbor.Map[string]{{Key: "mesh", Value: `"` + strings.Repeat("x", 1<<20) + `"`}}}, "no host sends the request: it has "},
		"an undeclared kind":         {emits(`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"}}`), nil, plugintest.Case{}, "a host refuses the answer: outputs.0: the manifest does not have Secret in outputs"},
		"a field of a server":        {emits(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"status":{}}`), nil, plugintest.Case{}, "a host refuses the answer: outputs.0.document.status: only a server sets this field; the plugin must leave it out"},
		"two answers": {
			func(_ *sdk.Request, resp *sdk.Response) error { calls++; resp.Info("", fmt.Sprint(calls)); return nil }, nil,
			plugintest.Case{}, "the same request gave two responses",
		},
		"no end": {
			func(req *sdk.Request, resp *sdk.Response) error {
				resp.RequireNamed("a", "lattice.dev/v1alpha1", "LatticeService", "", fmt.Sprint(req.Round))
				return nil
			}, nil, plugintest.Case{}, "the requirements do not settle in 5 rounds",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := widget(t, tc.derive)
			if tc.edit != nil {
				tc.edit(s)
			}
			if tc.c.Document == "" {
				tc.c.Document = document
			}
			if got := failing(t, func(t testing.TB) { s.Derive(t, tc.c) }); !strings.HasPrefix(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestEverythingIsShown(t *testing.T) {
	t.Parallel()
	s := widget(t, func(req *sdk.Request, resp *sdk.Response) error {
		resp.RequireNamed("peer", "lattice.dev/v1alpha1", "LatticeService", "media", "db")
		peers, _ := req.Answer("peer")
		mesh, _ := req.ContextValue("mesh")
		resp.Info("", fmt.Sprintf("%s %d %s %s %d", req.Platform.ClusterName, req.Setting("size").Int(), req.Outputs[0].Ref, mesh.String(), len(peers)))
		emit(resp, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"spec":{"b":1,"a":2}}`)
		return nil
	})
	a := s.Derive(t, plugintest.Case{
		Document: document, Settings: `{"size": 3}`, Platform: &abi.Platform{ClusterName: "edge"},
		Outputs: []string{`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web"}}`},
		Context: cbor.Map[string]{{Key: "mesh", Value: `"ambient"`}},
		Peers: []string{
			strings.Replace(document, `"web"`, `"db"`, 1), strings.Replace(document, `"web", "namespace": "media"`, `"db", "namespace": "other"`, 1),
		},
	})
	if want := "info edge 3 Deployment.apps web ambient 1"; len(a.Messages()) != 1 || a.Messages()[0] != want {
		t.Errorf("got %q, want %q", a.Messages(), want)
	}
	if got, want := a.Spec("ConfigMap", "a"), s.Canonical(t, `{"a":2,"b":1}`); got != want || a.Names()[0] != "ConfigMap a" {
		t.Errorf("got %s", got)
	}
	if got := failing(t, func(t testing.TB) { s.Derive(t, plugintest.Case{Document: `{`}) }); !strings.Contains(got, "in\n{") {
		t.Errorf("got %q", got)
	}
}

func TestReplay(t *testing.T) {
	t.Parallel()
	record := `{"schema":"lattice.hostcalls.v1"}
{"op":"kv.get","request":{"key":"a"},"answer":{"value":7}}
`
	for name, tc := range map[string]struct {
		call func(hostcall.Host) error
		want string
	}{
		"recorded": {func(h hostcall.Host) error {
			v, ok, err := h.Get("a")
			return errors.Join(err, wrong(v.Int() == 7 && ok))
		}, ""},
		"another key": {func(h hostcall.Host) error { _, _, err := h.Get("b"); return err }, `the call kv.get {"key":"b"} is not in the record`},
		"used once":   {func(h hostcall.Host) error { _, _, _ = h.Get("a"); _, _, err := h.Get("a"); return err }, `the call kv.get {"key":"a"} is not in the record`},
		"not declared": {func(h hostcall.Host) error {
			_, err := h.HTTPGet(&abi.HTTPGetRequest{URL: "https://example.com"})
			return err
		}, "a host denies http.get: the manifest does not have the capability http.get"},
	} {
		t.Run(name, func(t *testing.T) {
			s := widget(t, nil)
			got := failing(t, func(t testing.TB) {
				if err := tc.call(s.Replay(t, record)); err != nil {
					t.Errorf("%v", err)
				}
			})
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func wrong(ok bool) error {
	if ok {
		return nil
	}
	return errors.New("the value reads wrong")
}

// A test of a plugin derives a document and compares what comes out.
func Example() {
	plugin := &sdk.Plugin{Derive: func(_ *sdk.Request, resp *sdk.Response) error {
		emit(resp, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"facts","namespace":"media"}}`)
		return nil
	}}
	_ = func(t *testing.T) {
		subject := &plugintest.Subject{Plugin: plugin, Manifest: "plugin.yaml"}
		answer := subject.Derive(t, plugintest.Case{Document: document})
		if got, want := answer.Output("ConfigMap", "facts"), subject.Canonical(t, `{"apiVersion":"v1","kind":"ConfigMap"}`); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	message := (&abi.Request{ABI: abi.Version, Resource: raw(document)}).AppendCBOR(nil)
	var answer abi.Response
	_, err := abi.Decode(plugin.Serve(abi.OpDerive, message), abi.EncodingCBOR, abi.MaxResponseBytes, &answer)
	fmt.Println(answer.Outputs[0].Ref, err)
	// Output: ConfigMap media/facts <nil>
}
