//go:build wasip1

package main

import (
	"github.com/latticenet/lattice-host/plugins/sdk/go"
	"github.com/latticenet/lattice-host/plugins/sdk/go/guest"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
)

var plugin = &sdk.Plugin{Derive: derive}

func derive(req *sdk.Request, resp *sdk.Response) error {
	svc, err := req.Service()
	if err != nil {
		return err
	}
	resp.Emit(&kube.ConfigMap{
		Object: kube.NewObject("v1", "ConfigMap", kube.ObjectMeta{Name: svc.Metadata.Name + "-facts", Namespace: svc.Metadata.Namespace}),
		Data:   kube.Labels{{Key: "cluster", Value: req.Platform.ClusterName}},
	})
	return nil
}

//go:wasmexport lattice_v1_alloc
func alloc(size uint32) uint32 { return guest.Alloc(size) }

//go:wasmexport lattice_v1_call
func call(op, ptr, size uint32) uint64 { return guest.Call(plugin, op, ptr, size) }

func main() {}
