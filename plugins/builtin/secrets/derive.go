// Package secrets derives what fetches the secrets of a service, and gives them to its pods.
package secrets

import (
	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/naming"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/workload"
	sdk "github.com/latticenet/lattice-host/plugins/sdk/go"
)

// Plugin returns the plugin.
func Plugin() *sdk.Plugin { return &sdk.Plugin{Derive: derive} }

func derive(req *sdk.Request, resp *sdk.Response) error {
	svc, err := req.Service()
	if err != nil {
		return err
	}
	pods := workload.New(req, resp, workload.Subject{
		Name: svc.Metadata.Name, Owner: &svc.Metadata, Field: "spec", Workload: svc.Spec.Workload, Runtime: &svc.Spec.Runtime,
	})
	if !pods.UsesSecrets() || pods.SecretsWait() {
		return nil
	}
	secrets := pods.Secrets()
	if resp.Failed() {
		return nil
	}
	for i := range secrets.Objects {
		resp.Emit(&secrets.Objects[i])
	}
	resp.Contribute(abi.Ref{
		APIVersion: "apps/v1", Kind: naming.WorkloadKind(&svc.Spec), Namespace: svc.Metadata.Namespace, Name: svc.Metadata.Name,
	}, &secrets.Fields)
	return nil
}
