package egress

import (
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/endpoint"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/mesh"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/subject"
	sdk "github.com/latticenet/lattice-host/plugins/sdk/go"
)

const (
	// entityPrefix begins the id of an external service that is a Cilium entity.
	entityPrefix = "entity:"
	// defaultEntityPort is the port of an entity whose id names none.
	defaultEntityPort = 443
)

// rules collects the egress rules of one workload.
type rules struct {
	resp *sdk.Response
	list []lattice.EgressRule
}

// external is one external service that a workload uses.
type external struct {
	name string
	*lattice.Resource
	// in is the path of the resources.
	in string
}

// field is the path of a field of the resource.
func (e external) field(path string) string { return e.in + e.name + "." + path }

// deriveRules derives what the workloads of one document may reach outside the mesh.
func deriveRules(req *sdk.Request, resp *sdk.Response, subjects ...subject.Subject) {
	used := make([][]external, len(subjects))
	var names []string
	for i := range subjects {
		used[i] = externals(subjects[i], resp)
		for _, e := range used[i] {
			names = mesh.Insert(names, e.name, strings.Compare)
		}
	}
	waiting := false
	for _, name := range names {
		resp.RequireNamed(requireService(name), lattice.APIVersion, lattice.KindService, subjects[0].Owner.Namespace, name)
		_, answered := req.Answer(requireService(name))
		waiting = waiting || !answered
	}
	if waiting {
		return
	}
	for i := range subjects {
		rulesFor(req, resp, &subjects[i], used[i])
	}
}

// requireService names the requirement for a service that is called like an external one.
func requireService(name string) string { return "service " + name }

// rulesFor contributes the rules of one workload.
func rulesFor(req *sdk.Request, resp *sdk.Response, s *subject.Subject, used []external) {
	r := rules{resp: resp}
	for _, e := range used {
		if services, _ := req.Answer(requireService(e.name)); len(services) > 0 {
			service := s.Owner.Namespace + "/" + e.name
			resp.Info(e.field("type"), "the external service "+strconv.Quote(e.name)+" is the service "+service+
				", which is in the mesh; no egress is opened; make the resource's type service to call it through the mesh")
			continue
		}
		r.add(e)
	}
	if len(r.list) > 0 && !resp.Failed() {
		resp.Contribute(mesh.Ref(s.Owner.Namespace, s.Name), contribution(r.list))
	}
}

// externals returns the external services that a workload calls, sorted by name.
func externals(s subject.Subject, resp *sdk.Response) []external {
	var used []external
	if s.Workload == nil {
		return nil
	}
	resources := s.Workload.Resources
	for i := range resources {
		e := external{resources[i].Key, &resources[i].Value, s.At("workload.resources.")}
		switch {
		case e.Type != "external-service":
		case !mesh.Directed(e.Resource, "outbound"):
			resp.Warn(e.field("direction"), "the external service "+strconv.Quote(e.name)+
				" is inbound, but nothing outside the mesh can be named as a caller; it is ignored; publish the service with ingress")
		default:
			used = mesh.Insert(used, e, func(a, b external) int { return strings.Compare(a.name, b.name) })
		}
	}
	return used
}

// add collects the rules of one external service: those of its entity, or of its endpoints by name.
func (r *rules) add(e external) {
	id, isEntity := strings.CutPrefix(e.ID, entityPrefix)
	named := e.Params != nil && len(e.Params.Endpoints) > 0
	switch {
	case isEntity && named:
		r.resp.Error(e.field("id"), "the external service "+strconv.Quote(e.name)+
			" is an entity and has endpoints; remove the id or the endpoints")
	case isEntity:
		r.addEntity(e, id)
	case !named:
		r.resp.Error(e.field("params.endpoints"), "the external service "+strconv.Quote(e.name)+
			" names no endpoint; add one such as default: https://api.example.com, or set id to entity:<entity>")
	default:
		var names []string
		for i := range e.Params.Endpoints {
			names = mesh.Insert(names, e.Params.Endpoints[i].Key, strings.Compare)
		}
		for _, name := range names {
			r.addEndpoint(e, name, *e.Params.Endpoints.Get(name))
		}
	}
}

func (r *rules) addEntity(e external, id string) {
	name, text, found := strings.Cut(id, ":")
	port := int64(defaultEntityPort)
	if found {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 1 || n > 65535 {
			r.resp.Error(e.field("id"), "the external service "+strconv.Quote(e.name)+" has the port "+strconv.Quote(text)+
				", which is not a number from 1 to 65535")
			return
		}
		port = n
	}
	if problem := checkEntity(name); problem != "" {
		r.resp.Error(e.field("id"), "the external service "+strconv.Quote(e.name)+": "+strconv.Quote(name)+" "+problem)
		return
	}
	r.merge(lattice.EgressTarget{Entity: name}, port, mesh.TCP)
}

func (r *rules) addEndpoint(e external, name, url string) {
	field, what := e.field("params.endpoints."+name), "the endpoint "+strconv.Quote(name)+" of the external service "+
		strconv.Quote(e.name)+" "
	to, problem := endpoint.Parse(url)
	if problem != "" {
		r.resp.Error(field, what+problem)
		return
	}
	t, _, problem := checkTarget(hostTarget(to.Host))
	if problem != "" {
		r.resp.Error(field, what+"has a wrong host: "+problem)
		return
	}
	if e.Params.Resolution == "static" && t.FQDN != "" {
		r.resp.Warn(field, what+"is a name, which is looked up although resolution is static; use an IP address to avoid that")
	}
	protocol := mesh.TCP
	if to.Scheme == "udp" {
		protocol = mesh.UDP
	}
	r.merge(t.EgressTarget, to.Port, protocol)
}

// merge adds a port to the rule of a target and protocol; rules are in the order of their first
// port.
func (r *rules) merge(t lattice.EgressTarget, port int64, protocol string) {
	for i := range r.list {
		if rule := &r.list[i]; rule.Target == t && rule.Protocol == protocol {
			rule.Ports = mesh.Insert(rule.Ports, port, mesh.ComparePorts)
			return
		}
	}
	r.list = append(r.list, lattice.EgressRule{Target: t, Ports: []int64{port}, Protocol: protocol})
}

// contribution is the part of a LatticeMeshMember that holds the egress rules.
type contribution []lattice.EgressRule

// AppendCBOR implements the encoder interface of package abi.
func (c contribution) AppendCBOR(b []byte) []byte {
	member := cbor.BeginObject(b)
	member.Key("spec")
	spec := cbor.BeginObject(member.B)
	spec.Key("egress")
	spec.B = cbor.AppendList(spec.B, c, appendRule)
	member.B = spec.End()
	return member.End()
}

func appendRule(b []byte, rule *lattice.EgressRule) []byte {
	o := cbor.BeginObject(b)
	o.Key("ports")
	o.B = cbor.AppendList(o.B, rule.Ports, func(b []byte, port *int64) []byte { return cbor.AppendInt(b, *port) })
	o.Key("target")
	target := cbor.BeginObject(o.B)
	target.OptText("cidr", rule.Target.CIDR)
	target.OptText("fqdn", rule.Target.FQDN)
	target.OptText("entity", rule.Target.Entity)
	o.B = target.End()
	o.Text("protocol", rule.Protocol)
	return o.End()
}
