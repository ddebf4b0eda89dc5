//go:build wasip1

// The plugin derives what plugins/sdk/assemblyscript/example does, in Go.
package main

import (
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/sdk/go"
	"github.com/latticenet/lattice-host/plugins/sdk/go/guest"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
)

var plugin = &sdk.Plugin{Derive: derive, Validate: validate}

func derive(req *sdk.Request, resp *sdk.Response) error {
	svc, err := req.Service()
	if err != nil {
		return err
	}
	data := kube.Labels{
		{Key: "cluster", Value: req.Platform.ClusterName},
		{Key: "replicas", Value: strconv.FormatInt(replicas(svc), 10)},
	}
	if note := req.Setting("note").String(); note != "" {
		data = append(data, cbor.Entry[string]{Key: "note", Value: note})
	}
	forbidden := req.Setting("forbiddenRegistry").String()
	for _, c := range svc.Spec.Workload.Containers {
		if forbidden != "" && strings.HasPrefix(c.Value.Image, forbidden+"/") {
			resp.Error("spec.workload.containers."+c.Key+".image",
				"comes from "+forbidden+", which this platform does not allow; use another registry")
		}
		data = append(data, cbor.Entry[string]{Key: "image." + c.Key, Value: c.Value.Image})
	}
	resp.Emit(&kube.ConfigMap{
		Object: kube.NewObject("v1", "ConfigMap", kube.ObjectMeta{Name: svc.Metadata.Name + "-facts", Namespace: svc.Metadata.Namespace}),
		Data:   data,
	})
	return nil
}

func replicas(svc *lattice.LatticeService) int64 {
	if svc.Spec.Replicas == nil {
		return 0
	}
	return *svc.Spec.Replicas
}

func validate(settings sdk.Value, resp *sdk.Response) {
	if strings.Contains(settings.Get("forbiddenRegistry").String(), "/") {
		resp.Error("forbiddenRegistry", "must be a host, without a path")
	}
}

//go:wasmexport lattice_v1_alloc
func alloc(size uint32) uint32 { return guest.Alloc(size) }

//go:wasmexport lattice_v1_call
func call(op, ptr, size uint32) uint64 { return guest.Call(plugin, op, ptr, size) }

func main() {}
