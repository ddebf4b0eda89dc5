package sdk_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	sdk "github.com/latticenet/lattice-host/plugins/sdk/go"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
)

func raw(tb testing.TB, json string) cbor.Raw {
	tb.Helper()
	data, err := cbor.FromJSON(nil, []byte(json), abi.MaxDepth)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func text(t *testing.T, data []byte) string {
	t.Helper()
	if err := cbor.Validate(data, abi.MaxDepth); err != nil {
		t.Fatal(err)
	}
	json, err := cbor.ToJSON(nil, data)
	if err != nil {
		t.Fatal(err)
	}
	return string(json)
}

func request(t *testing.T) *abi.Request {
	return &abi.Request{
		ABI: abi.Version, Step: "s", Round: 1, Resource: raw(t, `{"kind":"LatticeService"}`), Settings: raw(t, `{"size":3}`),
		Context: []abi.ContextEntry{{Key: "k", Value: raw(t, `"left"`)}},
		Answers: []abi.Answer{{Name: "peer", Resources: []cbor.Raw{raw(t, `{}`)}}},
	}
}

func TestServe(t *testing.T) {
	plugin := &sdk.Plugin{Derive: func(req *sdk.Request, resp *sdk.Response) error {
		left, _ := req.ContextValue("k")
		_, missing := req.ContextValue("x")
		peers, answered := req.Answer("peer")
		if _, other := req.Answer("other"); missing || other || !answered || len(peers) != 1 {
			return errors.New("the request reads wrong")
		}
		if req.Kind() != "LatticeService" || req.Setting("size").Int() != 3 || left.String() != "left" {
			return errors.New("the values read wrong")
		}
		resp.Emit(&kube.ConfigMap{
			Object: kube.NewObject("v1", "ConfigMap", kube.ObjectMeta{Name: "c", Namespace: "n"}),
			Data:   kube.Labels{{Key: "a", Value: "1"}, {Key: "bb", Value: "2"}},
		})
		resp.Contribute(abi.Ref{APIVersion: "v1", Kind: "Secret", Name: "s"}, sdk.Fields(raw(t, `{"data":{}}`)))
		resp.Leave("next", sdk.Fields(raw(t, `1`)))
		resp.RequireNamed("r", "v1", "K", "ns", "name")
		resp.Warn("f", "careful")
		resp.Info("", "by the way")
		return nil
	}}
	want := `{"context":[{"key":"next","value":1}],` +
		`"contributions":[{"fields":{"data":{}},"ref":{"apiVersion":"v1","kind":"Secret","name":"s"}}],` +
		`"outputs":[{"document":{"apiVersion":"v1","data":{"a":"1","bb":"2"},"kind":"ConfigMap","metadata":{"name":"c","namespace":"n"}},` +
		`"ref":{"apiVersion":"v1","kind":"ConfigMap","name":"c","namespace":"n"}}],` +
		`"requirements":[{"apiVersion":"v1","kind":"K","matchName":"name","name":"r","namespace":"ns"}],` +
		`"results":[{"field":"f","message":"careful","severity":"warning"},{"message":"by the way","severity":"info"}]}`
	if diff := cmp.Diff(want, text(t, plugin.Serve(abi.OpDerive, request(t).AppendCBOR(nil)))); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestServeAnswersMistakes(t *testing.T) {
	plugin := &sdk.Plugin{Derive: func(*sdk.Request, *sdk.Response) error { return errors.New("broken") }}
	old := request(t)
	old.ABI = 2
	for _, tc := range []struct {
		reason  string
		op      abi.Op
		message []byte
		want    string
	}{
		{"an error of the plugin", abi.OpDerive, request(t).AppendCBOR(nil), `{"results":[{"message":"broken","severity":"error"}]}`},
		{"an unknown operation", 9, nil, `{"results":[{"message":"operation 9 is not part of the ABI","severity":"error"}]}`},
		{"a message of another version", abi.OpDerive, old.AppendCBOR(nil), `{"results":[{"message":"the request's abi version is not 1","severity":"error"}]}`},
		{"a message that ends early", abi.OpDerive, request(t).AppendCBOR(nil)[:5], `{"results":[{"message":"the request is malformed: byte 1: a length goes beyond the message","severity":"error"}]}`},
		{"settings without a check", abi.OpValidate, (&abi.ValidateRequest{ABI: 1}).AppendCBOR(nil), `{}`},
		{"no settings message", abi.OpValidate, nil, `{"results":[{"message":"the request is malformed: byte 0: the message ends early","severity":"error"}]}`},
	} {
		if got := text(t, plugin.Serve(tc.op, tc.message)); got != tc.want {
			t.Errorf("%s: got %s, want %s", tc.reason, got, tc.want)
		}
	}
}

func TestValidate(t *testing.T) {
	plugin := &sdk.Plugin{Validate: func(settings sdk.Value, r *sdk.Response) {
		if settings.Get("size").Int() > 2 {
			r.Error("size", "is too large")
		}
	}}
	got := text(t, plugin.Serve(abi.OpValidate, (&abi.ValidateRequest{ABI: 1, Settings: raw(t, `{"size":3}`)}).AppendCBOR(nil)))
	if want := `{"results":[{"field":"size","message":"is too large","severity":"error"}]}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestValue(t *testing.T) {
	v := sdk.Value(raw(t, `{"list":[1,2.5,"x"],"on":true,"none":null,"deep":{"er":{"text":"t"}}}`))
	var kinds []string
	for key := range v.Members() {
		kinds = append(kinds, key)
	}
	if diff := cmp.Diff([]string{"on", "deep", "list", "none"}, kinds); diff != "" {
		t.Errorf("members: -want +got\n%s", diff)
	}
	var sum float64
	for item := range v.Get("list").Items() {
		sum += item.Float()
	}
	if sum != 3.5 || !v.Get("on").Bool() || v.Get("deep").Get("er").Get("text").String() != "t" {
		t.Error("values read wrong")
	}
	for _, absent := range []sdk.Value{nil, v.Get("nope"), v.Get("none"), v.Get("on").Get("x"), v.Get("list").Get("x")} {
		if absent.Exists() || absent.String() != "" || absent.Int() != 0 || absent.Bool() || absent.Float() != 0 {
			t.Errorf("%x reads as something", []byte(absent))
		}
		for range absent.Items() {
			t.Errorf("%x has items", []byte(absent))
		}
	}
	if !v.Get("on").Exists() {
		t.Error("a value that is there does not exist")
	}
}

func TestServiceOutline(t *testing.T) {
	document := raw(t, `{"apiVersion":"lattice.dev/v1alpha1","kind":"LatticeService","metadata":{"name":"web"},"spec":{
		"replicas":2,"sidecars":{"proxy":{"image":"p"}},
		"workload":{"containers":{"main":{"image":"m"}},"service":{"ports":{"http":{"port":80}}}}}}`)
	whole, err := sdk.DecodeService(document)
	if err != nil {
		t.Fatal(err)
	}
	outline, err := sdk.DecodeServiceOutline(document)
	if err != nil {
		t.Fatal(err)
	}
	if len(whole.Spec.Workload.Containers) != 1 || len(whole.Spec.Sidecars) != 1 {
		t.Fatalf("the whole service lacks containers: %+v", whole.Spec)
	}
	whole.Spec.Workload.Containers, whole.Spec.Sidecars = nil, nil
	if diff := cmp.Diff(whole, outline); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
