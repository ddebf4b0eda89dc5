// Package secretprovider derives the store that External Secrets reads for a SecretProvider.
package secretprovider

import (
	"github.com/latticenet/lattice-host/plugins/builtin/internal/naming"
	sdk "github.com/latticenet/lattice-host/plugins/sdk/go"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
)

// labelProvider is a label of every derived store, with the kind of the store.
const labelProvider = "lattice.dev/secrets-provider"

// Plugin returns the plugin.
func Plugin() *sdk.Plugin { return &sdk.Plugin{Derive: derive} }

func derive(req *sdk.Request, resp *sdk.Response) error {
	p, err := req.SecretProvider()
	if err != nil {
		return err
	}
	meta := naming.Meta(&p.Metadata, p.Metadata.Name)
	// A store belongs to the whole cluster.
	meta.Namespace = ""
	store := kube.ClusterSecretStore{
		Object: kube.NewObject("external-secrets.io/v1", "ClusterSecretStore", meta),
		Spec:   kube.ClusterSecretStoreSpec{Provider: p.Spec.Provider},
	}
	if len(p.Spec.Provider) > 0 {
		store.Metadata.Labels.Set(labelProvider, p.Spec.Provider[0].Key)
	}
	// Without a condition, everyone who may write an ExternalSecret in any namespace reads what the
	// store reads.
	if !p.Spec.All {
		store.Spec.Conditions = []kube.StoreCondition{{Namespaces: p.Spec.Namespaces}}
	}
	resp.Emit(&store)
	return nil
}
