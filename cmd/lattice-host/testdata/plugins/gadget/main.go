// The gadget plugin does what its settings say, so that tests can see a pipeline fail in every way.
package main

import (
	"os"
	"strconv"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/abi/lattice"
	sdk "github.com/latticenet/lattice-host/plugins/sdk/go"
	"github.com/latticenet/lattice-host/plugins/sdk/go/guest"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
)

var plugin = &sdk.Plugin{Derive: derive}

//go:wasmexport lattice_v1_alloc
func alloc(size uint32) uint32 { return guest.Alloc(size) }

//go:wasmexport lattice_v1_call
func call(op, ptr, size uint32) uint64 { return guest.Call(plugin, op, ptr, size) }

func main() {}

func derive(req *sdk.Request, resp *sdk.Response) error {
	svc, err := req.Service()
	if err != nil {
		return err
	}
	value := req.Setting("value").String()
	switch req.Setting("do").String() {
	case "emit":
		emit(resp, svc, "v1", "ConfigMap")
	case "fetch":
		emit(resp, svc, "external-secrets.io/v1", "ExternalSecret")
	case "undeclared":
		emit(resp, svc, "rbac.authorization.k8s.io/v1", "ClusterRole")
	case "set":
		set(resp, svc, value)
	case "trap":
		panic("the gadget is broken")
	case "loop":
		for {
		}
	case "say":
		_, _ = os.Stdout.WriteString("a line for the log\n")
		resp.Warn("spec.workload", "a warning")
		resp.Info("", "an info")
	case "ask":
		resp.RequireNamed("peer", lattice.APIVersion, lattice.KindService, "", "round-"+strconv.FormatInt(req.Round, 10))
	}
	return nil
}

func emit(resp *sdk.Response, svc *lattice.LatticeService, apiVersion, kind string) {
	resp.Emit(&kube.ConfigMap{Object: kube.NewObject(apiVersion, kind, kube.ObjectMeta{Name: "twin", Namespace: svc.Metadata.Namespace})})
}

// set contributes an annotation to the Deployment.
func set(resp *sdk.Response, svc *lattice.LatticeService, value string) {
	metadata := object("annotations", object("demo.dev/owner", cbor.AppendString(nil, value)))
	resp.Contribute(
		abi.Ref{APIVersion: "apps/v1", Kind: "Deployment", Namespace: svc.Metadata.Namespace, Name: svc.Metadata.Name},
		sdk.Fields(object("metadata", metadata)))
}

func object(key string, value []byte) []byte {
	var m cbor.Map[cbor.Raw]
	m.Set(key, value)
	return cbor.AppendMap(nil, m, func(b []byte, v *cbor.Raw) []byte { return cbor.AppendRaw(b, *v) })
}
