package networkpolicy

import (
	"errors"
	"slices"
	"strconv"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/mesh"
	sdk "github.com/latticenet/lattice-host/plugins/sdk/go"
)

// maxNamed is how many peers are asked for one by one, with three requirements each; more of them
// are found among all documents. It stays well below [abi.MaxRequirements].
const maxNamed = 256

// The requirements for every document of a kind. Those for one document have a slash in their name.
const (
	allMembers  = "members"
	allServices = "services"
	allJobs     = "jobs"
)

// peer is a member of the mesh.
type peer struct{ *lattice.LatticeMeshMember }

func (p peer) ref() lattice.MemberRef {
	return lattice.MemberRef{Name: p.Metadata.Name, Namespace: p.Metadata.Namespace}
}

// resolve completes a reference that p makes: without a namespace it means p's own.
func (p peer) resolve(r lattice.MemberRef) lattice.MemberRef {
	if r.Namespace == "" && r.Name != mesh.Any {
		r.Namespace = p.Metadata.Namespace
	}
	return r
}

func (p peer) names(refs []lattice.MemberRef, wanted lattice.MemberRef) bool {
	return slices.ContainsFunc(refs, func(r lattice.MemberRef) bool { return p.resolve(r) == wanted })
}

// depends reports whether p declares that it calls the other.
func (p peer) depends(other peer) bool {
	return p.Spec.DependsAll || p.names(p.Spec.Dependencies, other.ref())
}

// allows reports whether p declares that the other may call it.
func (p peer) allows(other peer) bool {
	return p.open() || p.names(p.Spec.AllowedCallers, other.ref())
}

// open reports whether everyone may call p.
func (p peer) open() bool {
	return p.names(p.Spec.AllowedCallers, lattice.MemberRef{Name: mesh.Any})
}

// agreed reports whether the edge is active: both of its ends declare it.
func agreed(caller, callee peer) bool { return caller.depends(callee) && callee.allows(caller) }

// graph is the part of the mesh around one member.
type graph struct {
	req  *sdk.Request
	resp *sdk.Response
	self peer
	// known are the members that there are documents of, sorted by namespace and name; self is
	// among them.
	known []peer
}

// require asks for the documents of the peers, and reports whether they are there. It asks for the
// same in every round.
func (g *graph) require() bool {
	named := g.named()
	if g.self.Spec.DependsAll || g.self.open() || len(named) > maxNamed {
		g.requireKind(allMembers, lattice.KindMeshMember, lattice.MemberRef{})
		g.requireKind(allServices, lattice.KindService, lattice.MemberRef{})
		g.requireKind(allJobs, lattice.KindJob, lattice.MemberRef{})
	} else {
		for _, r := range named {
			name := text(r)
			g.requireKind("member "+name, lattice.KindMeshMember, r)
			g.requireKind("service "+name, lattice.KindService, r)
			g.resp.Require(abi.Requirement{
				Name: "job of " + name, APIVersion: lattice.APIVersion, Kind: lattice.KindJob, Namespace: r.Namespace,
				MatchLabels: cbor.Map[string]{{Key: lattice.LabelTask, Value: r.Name}},
			})
		}
	}
	for i := range g.resp.Requirements {
		if _, answered := g.req.Answer(g.resp.Requirements[i].Name); !answered {
			return false
		}
	}
	return true
}

func (g *graph) requireKind(name, kind string, r lattice.MemberRef) {
	g.resp.Require(abi.Requirement{
		Name: name, APIVersion: lattice.APIVersion, Kind: kind, Namespace: r.Namespace, MatchName: r.Name,
	})
}

// named returns the peers that the member names and that documents can exist of, sorted, each once.
func (g *graph) named() []lattice.MemberRef {
	var refs []lattice.MemberRef
	self := g.self.ref()
	for _, r := range slices.Concat(g.self.Spec.Dependencies, g.self.Spec.AllowedCallers) {
		r = g.self.resolve(r)
		if r.Name != mesh.Any && r != self && g.gateway(r) == nil {
			refs = mesh.Insert(refs, r, mesh.CompareRefs)
		}
	}
	return refs
}

// gateway is the ingress Gateway of the namespace, which has no document; nil for any other
// reference.
func (g *graph) gateway(r lattice.MemberRef) *lattice.LatticeMeshMember {
	if r.Namespace != g.self.Metadata.Namespace {
		return nil
	}
	return mesh.IngressGateway(r)
}

// read fills in the known members from the answers.
func (g *graph) read() error {
	g.add(g.self)
	for _, r := range g.self.Spec.AllowedCallers {
		if gateway := g.gateway(g.self.resolve(r)); gateway != nil {
			g.add(peer{gateway})
		}
	}
	// A LatticeMeshMember says more than the LatticeService or task of its name, so that it comes
	// first.
	for _, k := range []struct {
		kind   string
		decode func(cbor.Raw) ([]*lattice.LatticeMeshMember, error)
	}{{lattice.KindMeshMember, decodeMember}, {lattice.KindService, decodeService}, {lattice.KindJob, decodeJob}} {
		if err := g.readKind(k.kind, k.decode); err != nil {
			return err
		}
	}
	return nil
}

// add makes a member known unless one of its name is.
func (g *graph) add(p peer) { g.known = mesh.Insert(g.known, p, comparePeers) }

func comparePeers(a, b peer) int { return mesh.CompareRefs(a.ref(), b.ref()) }

// readKind adds the members that the answers of one kind describe.
func (g *graph) readKind(kind string, decode func(cbor.Raw) ([]*lattice.LatticeMeshMember, error)) error {
	for i := range g.resp.Requirements {
		q := &g.resp.Requirements[i]
		if q.Kind != kind {
			continue
		}
		documents, _ := g.req.Answer(q.Name)
		for _, raw := range documents {
			members, err := decode(raw)
			if err != nil {
				return errors.New("the answer to the requirement " + strconv.Quote(q.Name) + " is malformed: " + err.Error())
			}
			for _, m := range members {
				g.add(peer{m})
			}
		}
	}
	return nil
}

func decodeMember(raw cbor.Raw) ([]*lattice.LatticeMeshMember, error) {
	m, err := sdk.DecodeMeshMember(raw)
	return []*lattice.LatticeMeshMember{m}, err
}

func decodeService(raw cbor.Raw) ([]*lattice.LatticeMeshMember, error) {
	svc, err := sdk.DecodeServiceOutline(raw)
	if err != nil {
		return nil, err
	}
	return []*lattice.LatticeMeshMember{mesh.FromService(svc)}, nil
}

func decodeJob(raw cbor.Raw) ([]*lattice.LatticeMeshMember, error) {
	job, err := sdk.DecodeJobOutline(raw)
	if err != nil {
		return nil, err
	}
	return mesh.FromJob(job), nil
}

// find returns a known member.
func (g *graph) find(r lattice.MemberRef) (peer, bool) {
	for _, p := range g.known {
		if p.ref() == r {
			return p, true
		}
	}
	return peer{}, false
}

// edges returns who calls the member and whom it calls, sorted by namespace and name.
func (g *graph) edges() (inbound, outbound []peer) {
	for _, p := range g.known {
		if agreed(p, g.self) {
			inbound = append(inbound, p)
		}
		if agreed(g.self, p) {
			outbound = append(outbound, p)
		}
	}
	return inbound, outbound
}

// report says which of the peers that the member names form no edge, and why.
func (g *graph) report() {
	self := text(g.self.ref())
	for i, r := range g.self.Spec.Dependencies {
		field := "spec.dependencies." + strconv.Itoa(i)
		callee, found := g.lookup(field, r)
		if found && !callee.allows(g.self) {
			g.resp.Warn(field, text(callee.ref())+" does not allow "+self+
				" to call it; the edge is not opened; add "+self+" to the allowed callers of "+text(callee.ref()))
		}
	}
	for i, r := range g.self.Spec.AllowedCallers {
		if r.Name == mesh.Any {
			continue
		}
		field := "spec.allowedCallers." + strconv.Itoa(i)
		caller, found := g.lookup(field, r)
		if found && !caller.depends(g.self) {
			g.resp.Info(field, text(caller.ref())+" does not depend on "+self+
				"; the edge is not opened; add "+self+" to the dependencies of "+text(caller.ref())+", or remove the caller")
		}
	}
}

// lookup finds a peer that the member names, and reports one without a document.
func (g *graph) lookup(field string, r lattice.MemberRef) (peer, bool) {
	r = g.self.resolve(r)
	p, found := g.find(r)
	if !found {
		g.resp.Warn(field, "no peer document for "+text(r)+"; the edge is not opened; pass it with --with")
	}
	return p, found
}

func text(r lattice.MemberRef) string { return r.Namespace + "/" + r.Name }
