// Package runtimepolicy derives what ends programs that a service does not allow.
package runtimepolicy

import (
	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/binaries"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/naming"
	sdk "github.com/latticenet/lattice-host/plugins/sdk/go"
)

// Plugin returns the plugin.
func Plugin() *sdk.Plugin { return &sdk.Plugin{Derive: derive} }

// derive emits a policy where the service allows some programs, and every program of its pods is known. Where it is not, the
// gate asks whether the pods may start anything.
func derive(req *sdk.Request, resp *sdk.Response) error {
	svc, err := req.Service()
	if err != nil {
		return err
	}
	set := binaries.Of(svc.Spec.Workload, &svc.Spec.Runtime)
	if svc.Spec.Backup != nil && svc.Spec.Backup.Hooks != nil {
		for _, hooks := range [][]lattice.BackupHook{svc.Spec.Backup.Hooks.Pre, svc.Spec.Backup.Hooks.Post} {
			for i := range hooks {
				set.Command(hooks[i].Command)
			}
		}
	}
	if set.Limited() {
		name := svc.Metadata.Name
		resp.Emit(set.Policy(naming.Meta(&svc.Metadata, "allow-binaries-"+name), naming.Selector(name)))
	}
	return nil
}
