package hostcaller_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	sdk "github.com/latticenet/lattice-host/plugins/sdk/go"
	"github.com/latticenet/lattice-host/plugins/sdk/go/hostcall/hosttest"
	"github.com/latticenet/lattice-host/wasm-tests/hostcaller"
)

func raw(t *testing.T, text string) cbor.Raw {
	t.Helper()
	data, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	item, err := cbor.FromJSON(nil, data, abi.MaxDepth)
	if err != nil {
		t.Fatal(err)
	}
	return item
}

// derive runs the plugin natively and returns what the host answered.
func derive(t *testing.T, f *hosttest.Fake, calls string) []string {
	t.Helper()
	req := abi.Request{
		ABI: abi.Version, Step: "calls", Round: 1, Settings: raw(t, "calls: "+calls),
		Resource: raw(t, "{kind: LatticeService, metadata: {name: orders, namespace: shop}}"),
	}
	var resp abi.Response
	d := cbor.NewDecoder(hostcaller.Plugin(f.Host()).Serve(abi.OpDerive, req.AppendCBOR(nil)))
	resp.DecodeCBOR(d)
	if err := d.Finish(); err != nil || len(resp.Outputs) != 1 || len(resp.Results) != 0 {
		t.Fatalf("answered %+v, %v", resp, err)
	}
	var said []string
	for _, value := range sdk.Value(resp.Outputs[0].Document).Get("data").Members() {
		said = append(said, value.String())
	}
	return said
}

func TestNatively(t *testing.T) {
	f := &hosttest.Fake{
		Pages: cbor.Map[abi.HTTPGetAnswer]{{Key: "https://example.com/", Value: abi.HTTPGetAnswer{Status: 200, Text: "hello"}}},
		Resources: []cbor.Raw{
			raw(t, "{apiVersion: v1, kind: K, metadata: {name: a, namespace: ns}}"),
			raw(t, "{apiVersion: v1, kind: K, metadata: {name: b, namespace: ns}}"),
		},
	}
	got := derive(t, f, `[{op: get, key: a}, {op: set, key: a, value: {x: [1.5]}}, {op: get, key: a}, {op: count, key: total}, {op: count, key: total},
  {op: list}, {op: list, key: t}, {op: delete, key: a}, {op: list}, {op: set, key: "a b", value: 1},
  {op: http, url: "https://example.com/"}, {op: http, url: "https://other.example.com/"},
  {op: read, apiVersion: v1, kind: K}, {op: read, apiVersion: v1, kind: K, name: b}, {op: read, apiVersion: v2, kind: K}]`)
	want := []string{
		"nothing", "done", `{"x":[1.5]}`, "1", "2", "a total", "total", "done", "total", "invalid: the key is not valid",
		"200 hello", "unavailable: the server could not be reached", "ns/a ns/b", "ns/b", "",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestFailures(t *testing.T) {
	f := &hosttest.Fake{Fail: func(op abi.HostOp) *abi.HostError {
		if op == abi.HostHTTPGet {
			return nil
		}
		return &abi.HostError{Code: abi.HostErrorDenied, Message: op.String()}
	}}
	got := derive(t, f, `[{op: get, key: a}, {op: count, key: a}, {op: set, key: a, value: 1}, {op: list}, {op: read}]`)
	want := []string{"denied: kv.get", "denied: kv.get", "denied: kv.set", "denied: kv.list", "denied: resources.read"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	got = derive(t, f, `[{op: http, url: x, times: 60}]`)
	if last := got[len(got)-1]; last != "budget: a derivation makes no more host calls" {
		t.Errorf("the 65th call was answered %q", last)
	}
}
