// Package networkpolicy derives who may talk to whom. From a LatticeService it derives how the
// service takes part in the mesh, a LatticeMeshMember, and from a LatticeJob how each of its tasks
// does; from a LatticeMeshMember the Cilium and Istio policies for every edge that both of its ends
// agree to.
package networkpolicy

import (
	"errors"
	"strconv"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/mesh"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/naming"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/subject"
	sdk "github.com/latticenet/lattice-host/plugins/sdk/go"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
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
		deriveMember(svc, resp)
		return nil
	case lattice.KindJob:
		job, err := req.JobOutline()
		if err != nil {
			return err
		}
		deriveMembers(job, resp)
		return nil
	case lattice.KindMeshMember:
		m, err := req.MeshMember()
		if err != nil {
			return err
		}
		return derivePolicies(req, resp, m)
	default:
		return errors.New("network-policy derives from LatticeService, LatticeJob and LatticeMeshMember, not from " +
			strconv.Quote(kind) + "; use it in the pipeline of one of these kinds")
	}
}

func deriveMember(svc *lattice.LatticeService, resp *sdk.Response) {
	check(subject.OfService(svc), resp)
	if !resp.Failed() {
		emitMember(mesh.FromService(svc), resp)
	}
}

func deriveMembers(job *lattice.LatticeJob, resp *sdk.Response) {
	for _, s := range subject.OfJob(job) {
		check(s, resp)
	}
	if resp.Failed() {
		return
	}
	for _, m := range mesh.FromJob(job) {
		emitMember(m, resp)
	}
}

func emitMember(m *lattice.LatticeMeshMember, resp *sdk.Response) {
	resp.Outputs = append(resp.Outputs, abi.Output{Ref: mesh.Ref(m.Metadata.Namespace, m.Metadata.Name), Document: m.AppendCBOR(nil)})
}

// check reports what a workload asks of the mesh that the mesh cannot give.
func check(s subject.Subject, resp *sdk.Response) {
	if h := s.Runtime.HostNetwork; h != nil && *h {
		resp.Warn(s.At("hostNetwork"), "pods in the node's network have the node's identity: no network policy selects them and "+
			"they are not in the mesh, so that nothing limits who calls them or whom they call; remove hostNetwork, or limit "+
			"it with a firewall of the nodes")
	}
	w := s.Workload
	if w == nil {
		return
	}
	for i := range w.Resources {
		name, r := w.Resources[i].Key, &w.Resources[i].Value
		if r.Type == "service" && mesh.PeerName(name, r) == mesh.Any && mesh.Directed(r, "outbound") {
			resp.Error(s.At("workload.resources.")+name+".id", "the resource "+strconv.Quote(name)+
				" depends on *, but only callers can be everyone; name the service, or set the direction to inbound")
		}
	}
	if w.Service == nil {
		return
	}
	for _, p := range w.Service.Ports {
		if p.Value.Protocol != "" && p.Value.Protocol != mesh.TCP {
			resp.Info(s.At("workload.service.ports.")+p.Key+".protocol", "the port "+strconv.Quote(p.Key)+" is "+
				p.Value.Protocol+", and the mesh carries TCP only; the network policy alone decides who may use it, and the "+
				"traffic is not encrypted")
		}
	}
}

// member is what the policies of one mesh member are derived from.
type member struct {
	*lattice.LatticeMeshMember
	trustDomain string
	// monitoring says that the platform scrapes metrics.
	monitoring bool
	egress     mesh.Egress
	// inbound and outbound are the other ends of the agreed edges.
	inbound, outbound []peer
}

func derivePolicies(req *sdk.Request, resp *sdk.Response, m *lattice.LatticeMeshMember) error {
	checkMember(m, resp)
	mesh.AllowGateway(m, m.Spec.Ingress)
	egress, left := mesh.ReadEgress(req)
	if len(m.Spec.Egress) > 0 && !left {
		resp.Error("spec.egress", "the egress rules are not covered by any installed step; add a step with a plugin that "+
			`covers "egress" before this one, or remove the rules`)
	}
	if resp.Failed() {
		return nil
	}
	g := graph{req: req, resp: resp, self: peer{m}}
	if !g.require() {
		return nil
	}
	if err := g.read(); err != nil {
		return err
	}
	g.report()
	d := member{LatticeMeshMember: m, trustDomain: req.Platform.TrustDomain, monitoring: req.Platform.Monitoring.Enabled, egress: egress}
	d.inbound, d.outbound = g.edges()
	resp.Emit(d.ciliumPolicy())
	if mesh.Ambient(m) {
		d.istioPolicies(resp)
		return nil
	}
	d.reportBlocked(resp)
	return nil
}

// checkMember reports what policies cannot express.
func checkMember(m *lattice.LatticeMeshMember, resp *sdk.Response) {
	target := &m.Spec.Target
	if len(target.Selector) == 0 && target.Namespace == "" {
		resp.Error("spec.target", "selects nothing; set selector to the pods' labels, or namespace")
	}
	if target.Namespace != "" && target.Namespace != m.Metadata.Namespace {
		resp.Error("spec.target.namespace", "the namespace "+strconv.Quote(target.Namespace)+
			" is not the member's own, and policies reach only pods of their own namespace; move the member to the namespace "+
			target.Namespace)
	}
	if len(target.Selector) == 0 && mesh.Ambient(m) && len(mesh.Ports(m, mesh.Permissive, mesh.Webhook)) > 0 {
		resp.Error("spec.target.selector", "ports that take plaintext need a selector, because Istio exempts ports of "+
			"selected pods only; select the pods by label, or make every port Strict")
	}
	for i, r := range m.Spec.AllowedCallers {
		if r.Name == mesh.Any && r.Namespace != "" {
			resp.Error("spec.allowedCallers."+strconv.Itoa(i)+".namespace",
				"a caller of * means every caller of every namespace; leave namespace out, or name the callers")
		}
	}
	for i, r := range m.Spec.Dependencies {
		if r.Name == mesh.Any {
			resp.Error("spec.dependencies."+strconv.Itoa(i)+".name",
				"a dependency cannot be *; name the member, or set dependsAll")
		}
	}
}

// meta returns the metadata of a policy whose name is derived from the member's.
func (d *member) meta(prefix string) kube.ObjectMeta {
	name := naming.Derived(prefix, d.Metadata.Namespace, d.Metadata.Name)
	return naming.Meta(&d.Metadata, name)
}
