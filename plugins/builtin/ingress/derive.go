// Package ingress publishes workloads through the ingress Gateway of their namespace: the Gateway
// with the listeners of all routes of the namespace, the routes and certificates of one document,
// and the policies that let traffic through.
package ingress

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/mesh"
	sdk "github.com/latticenet/lattice-host/plugins/sdk/go"
	"github.com/latticenet/lattice-host/plugins/sdk/go/ascii"
)

// Plugin returns the plugin.
func Plugin() *sdk.Plugin { return &sdk.Plugin{Derive: derive} }

// The requirements: every document of the namespace that can have routes.
const (
	allServices = "services"
	allMembers  = "members"
)

func derive(req *sdk.Request, resp *sdk.Response) error {
	self, err := published(req)
	if err != nil || len(self.routes) == 0 {
		return err
	}
	others, ready, err := neighbours(req, resp, self)
	if err != nil || !ready {
		return err
	}
	p := plan{resp: resp, self: self, issuer: req.Setting("issuer").String()}
	if p.issuer == "" {
		p.issuer = defaultIssuer
	}
	p.check(others)
	if resp.Failed() {
		return nil
	}
	p.listen(others)
	if resp.Failed() {
		return nil
	}
	p.emit()
	return nil
}

// published reads what the document of the request publishes.
func published(req *sdk.Request) (*workload, error) {
	switch kind := req.Kind(); kind {
	case lattice.KindService:
		svc, err := req.ServiceOutline()
		if err != nil {
			return nil, err
		}
		return ofService(svc), nil
	case lattice.KindMeshMember:
		m, err := req.MeshMember()
		if err != nil {
			return nil, err
		}
		return ofMember(m), nil
	default:
		return nil, errors.New("ingress derives from LatticeService and LatticeMeshMember, not from " + strconv.Quote(kind) +
			"; use it in the pipeline of one of these kinds")
	}
}

// workload is a document with routes to its Service.
type workload struct {
	meta   *lattice.ObjectMeta
	member *lattice.LatticeMeshMember
	class  string
	// routes are sorted by name.
	routes []route
	// ownTLS is the Secret of the Service's own certificate, if one is issued.
	ownTLS string
}

// route is one route of a workload.
type route struct {
	*lattice.Route
	of   *workload
	name string
	// port is that of the Service.
	port int64
}

// field is the path of a field of the route in its document.
func (r *route) field(path string) string {
	field := "spec.ingress.routes." + r.name
	if path == "" {
		return field
	}
	return field + "." + path
}

// id begins the names of the route's objects.
func (r *route) id() string { return r.of.meta.Name + "-" + r.name }

// text names the route in a message.
func (r *route) text() string { return "the route " + r.name + " of " + r.of.meta.Name }

func (r *route) isTCP() bool { return r.Kind == kindTCP }

func ofService(svc *lattice.LatticeService) *workload {
	w := &workload{meta: &svc.Metadata, member: mesh.FromService(svc)}
	if s := svc.Spec.Workload; s != nil && s.Service != nil {
		if tls := s.Service.TLS; tls != nil && tls.SecretName == "" {
			w.ownTLS = svc.Metadata.Name + "-tls"
		}
		ports := s.Service.Ports
		w.read(svc.Spec.Ingress, func(name string) int64 {
			if p := ports.Get(name); p != nil {
				return p.Port
			}
			if name == "" && len(ports) == 1 {
				return ports[0].Value.Port
			}
			return 0
		})
	}
	return w
}

func ofMember(m *lattice.LatticeMeshMember) *workload {
	w := &workload{meta: &m.Metadata, member: m}
	w.read(m.Spec.Ingress, func(name string) int64 {
		for i := range m.Spec.Ports {
			p := &m.Spec.Ports[i]
			switch {
			case p.Name != name && (name != "" || len(m.Spec.Ports) > 1):
			case p.ServicePort != nil:
				return *p.ServicePort
			default:
				return p.Port
			}
		}
		return 0
	})
	return w
}

func (w *workload) read(in *lattice.Ingress, port func(name string) int64) {
	if in == nil {
		return
	}
	w.class = in.GatewayClass
	if w.class == "" {
		w.class = mesh.DefaultGatewayClass
	}
	for i := range in.Routes {
		r := route{Route: &in.Routes[i].Value, of: w, name: in.Routes[i].Key}
		r.port = port(r.Port)
		if r.Kind == "" {
			r.Kind = kindHTTP
		}
		r.Hosts = hostNames(r.Hosts)
		w.routes = mesh.Insert(w.routes, r, func(a, b route) int { return strings.Compare(a.name, b.name) })
	}
}

// neighbours returns the other workloads of the namespace, sorted by name, once they are known.
func neighbours(req *sdk.Request, resp *sdk.Response, self *workload) (others []*workload, ready bool, err error) {
	for _, q := range []struct{ name, kind string }{{allMembers, lattice.KindMeshMember}, {allServices, lattice.KindService}} {
		resp.Require(abi.Requirement{
			Name: q.name, APIVersion: lattice.APIVersion, Kind: q.kind, Namespace: self.meta.Namespace,
		})
	}
	members, ready := req.Answer(allMembers)
	services, there := req.Answer(allServices)
	if !ready || !there {
		return nil, false, nil
	}
	add := func(w *workload) {
		if w.meta.Name != self.meta.Name {
			others = mesh.Insert(others, w, func(a, b *workload) int { return strings.Compare(a.meta.Name, b.meta.Name) })
		}
	}
	for _, raw := range services {
		svc, err := sdk.DecodeServiceOutline(raw)
		if err != nil {
			return nil, false, err
		}
		add(ofService(svc))
	}
	for _, raw := range members {
		m, err := sdk.DecodeMeshMember(raw)
		if err != nil {
			return nil, false, err
		}
		add(ofMember(m))
	}
	return others, true, nil
}

// hostNames returns host names as the Gateway API wants them, in lower case and without a final
// dot, each once.
func hostNames(hosts []string) []string {
	var names []string
	for _, host := range hosts {
		if name := strings.TrimSuffix(ascii.Lower(host), "."); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
