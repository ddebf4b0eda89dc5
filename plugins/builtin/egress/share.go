package egress

import (
	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/mesh"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/subject"
	sdk "github.com/latticenet/lattice-host/plugins/sdk/go"
)

// The requirements for every document of a namespace, whose ServiceEntries are shared.
const (
	allServices = "services"
	allMembers  = "members"
	allJobs     = "jobs"
)

// shareEntries adds to the ServiceEntries the ports that other members of the namespace use of the
// same targets, once those are known. A host has one entry in a namespace: each member derives the
// same, and who may use which port is for the policies of each to say.
func (w *waypoint) shareEntries(req *sdk.Request, resp *sdk.Response, m *lattice.LatticeMeshMember) (ready bool, err error) {
	namespace := m.Metadata.Namespace
	for _, q := range []struct{ name, kind string }{{allMembers, lattice.KindMeshMember}, {allServices, lattice.KindService}, {allJobs, lattice.KindJob}} {
		resp.Require(abi.Requirement{Name: q.name, APIVersion: lattice.APIVersion, Kind: q.kind, Namespace: namespace})
	}
	members, ready := req.Answer(allMembers)
	answers, there := req.Answer(allServices)
	jobs, known := req.Answer(allJobs)
	if !ready || !there || !known {
		return false, nil
	}
	for _, raw := range members {
		other, err := sdk.DecodeMeshMember(raw)
		if err != nil {
			return false, err
		}
		if mesh.Ambient(other) {
			w.share(other.Spec.Egress)
		}
	}
	services := make([]*lattice.LatticeService, len(answers))
	for i, raw := range answers {
		if services[i], err = sdk.DecodeServiceOutline(raw); err != nil {
			return false, err
		}
	}
	for _, svc := range services {
		w.share(rulesOf(subject.OfService(svc), services))
	}
	for _, raw := range jobs {
		job, err := sdk.DecodeJobOutline(raw)
		if err != nil {
			return false, err
		}
		// The tasks of a training are not in the mesh.
		if job.Spec.Training != nil {
			continue
		}
		for _, s := range subject.OfJob(job) {
			w.share(rulesOf(s, services))
		}
	}
	return true, nil
}

// rulesOf returns the egress rules of a workload among all services of its namespace. What is wrong
// with them is reported where the workload itself is derived.
func rulesOf(s subject.Subject, services []*lattice.LatticeService) []lattice.EgressRule {
	r := rules{resp: new(sdk.Response)}
	for _, e := range externals(s, r.resp) {
		inMesh := false
		for _, other := range services {
			inMesh = inMesh || other.Metadata.Name == e.name
		}
		if !inMesh {
			r.add(e)
		}
	}
	return r.list
}

// share adds the ports of rules to the entries of the targets that the member has itself.
func (w *waypoint) share(list []lattice.EgressRule) {
	for i := range list {
		t, _, problem := checkTarget(list[i].Target)
		if problem != "" {
			continue
		}
		protocol := list[i].Protocol
		if protocol == "" {
			protocol = mesh.TCP
		}
		for j := range w.destinations {
			if d := &w.destinations[j]; d.EgressTarget == t.EgressTarget {
				for _, port := range list[i].Ports {
					d.addEntry(port, protocol)
				}
			}
		}
	}
}
