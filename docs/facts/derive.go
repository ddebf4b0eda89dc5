// Package facts derives a ConfigMap that tells a service in which cluster it runs.
package facts

import (
	"github.com/latticenet/lattice-host/plugins/sdk/go"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
)

// Plugin returns the plugin.
func Plugin() *sdk.Plugin { return &sdk.Plugin{Derive: derive} }

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
