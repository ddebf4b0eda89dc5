// Package egress derives what a workload may reach outside the mesh. From a LatticeService or
// LatticeJob it derives the egress rules of the LatticeMeshMember of the service or task; from a
// LatticeMeshMember the Istio objects of those rules, and the Cilium rules for the step that writes
// the member's network policy.
package egress

import (
	"errors"
	"strconv"

	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/subject"
	sdk "github.com/latticenet/lattice-host/plugins/sdk/go"
)

// Plugin returns the plugin.
func Plugin() *sdk.Plugin { return &sdk.Plugin{Derive: derive} }

func derive(req *sdk.Request, resp *sdk.Response) error {
	switch kind := req.Kind(); kind {
	case lattice.KindService:
		svc, err := req.ServiceOutline()
		if err != nil {
			return err
		}
		deriveRules(req, resp, subject.OfService(svc))
		return nil
	case lattice.KindJob:
		job, err := req.JobOutline()
		if err != nil {
			return err
		}
		deriveRules(req, resp, subject.OfJob(job)...)
		return nil
	case lattice.KindMeshMember:
		m, err := req.MeshMember()
		if err != nil {
			return err
		}
		return deriveObjects(req, resp, m)
	default:
		return errors.New("egress derives from LatticeService, LatticeJob and LatticeMeshMember, not from " + strconv.Quote(kind) +
			"; use it in the pipeline of one of these kinds")
	}
}
