//go:build wasip1

package main

import (
	"strconv"

	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/plugins/sdk/go"
	"github.com/latticenet/lattice-host/plugins/sdk/go/guest"
	"github.com/latticenet/lattice-host/plugins/sdk/go/hostcall"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
)

var plugin = &sdk.Plugin{Derive: deriver(guest.Host())}

// deriver numbers the derivations of each service.
func deriver(h hostcall.Host) func(*sdk.Request, *sdk.Response) error {
	return func(req *sdk.Request, resp *sdk.Response) error {
		svc, err := req.Service()
		if err != nil {
			return err
		}
		key := "number/" + svc.Metadata.Namespace + "/" + svc.Metadata.Name
		last, _, err := h.Get(key)
		if err != nil {
			return err
		}
		number := last.Int() + 1
		if err := h.Set(key, cbor.AppendInt(nil, number)); err != nil {
			return err
		}
		resp.Emit(&kube.ConfigMap{
			Object: kube.NewObject("v1", "ConfigMap", kube.ObjectMeta{Name: svc.Metadata.Name + "-number", Namespace: svc.Metadata.Namespace}),
			Data:   kube.Labels{{Key: "number", Value: strconv.FormatInt(number, 10)}},
		})
		return nil
	}
}

//go:wasmexport lattice_v1_alloc
func alloc(size uint32) uint32 { return guest.Alloc(size) }

//go:wasmexport lattice_v1_call
func call(op, ptr, size uint32) uint64 { return guest.Call(plugin, op, ptr, size) }

func main() {}
