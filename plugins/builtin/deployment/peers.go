package deployment

import (
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/template"
	sdk "github.com/latticenet/lattice-host/plugins/sdk/go"
	"github.com/latticenet/lattice-host/plugins/sdk/go/ascii"
)

// requireNamespace is the requirement for every service of the namespace, among which the owners of shared volumes are.
// It cannot be mistaken for the requirement of one service, whose name is a resource's.
const requireNamespace = "*"

// requirePeers asks for the documents that the derivation depends on, and reports whether it has to wait for them.
func (d *derivation) requirePeers() bool {
	resources := d.svc.Spec.Workload.Resources
	for i := range resources {
		name, r := resources[i].Key, &resources[i].Value
		switch {
		case r.Type == "volume" && r.ID != "" && !ownsVolume(r):
			d.require(abi.Requirement{Name: requireNamespace, Namespace: d.svc.Metadata.Namespace})
		case r.Type == "service" && d.mentions(name):
			peer, namespace := d.peerOf(name, r)
			d.require(abi.Requirement{Name: name, Namespace: namespace, MatchName: peer})
		}
	}
	for i := range d.resp.Requirements {
		if _, answered := d.req.Answer(d.resp.Requirements[i].Name); !answered {
			return true
		}
	}
	return false
}

// require asks for a document, each once. What is asked for again in every round has settled for the host.
func (d *derivation) require(q abi.Requirement) {
	for i := range d.resp.Requirements {
		if d.resp.Requirements[i].Name == q.Name {
			return
		}
	}
	q.APIVersion, q.Kind = lattice.APIVersion, lattice.KindService
	d.resp.Require(q)
}

// peerOf returns the name and namespace of the service that a resource stands for.
func (d *derivation) peerOf(resource string, r *lattice.Resource) (name, namespace string) {
	name, namespace = r.ID, r.Namespace
	if name == "" {
		name = resource
	}
	if namespace == "" {
		namespace = d.svc.Metadata.Namespace
	}
	return name, namespace
}

// mentions reports whether a variable or file refers to an output of the resource.
func (d *derivation) mentions(resource string) bool {
	found := false
	visit := func(reference string) {
		if name, _ := splitResource(reference); name != "" && sameName(name, resource) {
			found = true
		}
	}
	for _, c := range d.containers() {
		for i := range c.Variables {
			template.References(c.Variables[i].Value, template.Plain, visit)
		}
		for i := range c.Files {
			if f := &c.Files[i].Value; !f.NoExpand {
				template.References(f.Content, syntax(f), visit)
			}
		}
	}
	return found
}

// splitResource splits resources.<name>.<field>.
func splitResource(reference string) (name, field string) {
	rest, ok := strings.CutPrefix(reference, "resources.")
	if !ok {
		return "", ""
	}
	name, field, _ = strings.Cut(rest, ".")
	return name, field
}

// sameName compares a name in a reference with a resource's; a reference may write an underscore for a hyphen.
func sameName(reference, resource string) bool {
	return ascii.Swap(reference, '-', '_') == ascii.Swap(resource, '-', '_')
}

// peer returns the document of a service resource, when it is known.
func (d *derivation) peer(resource string) *lattice.LatticeService {
	documents, _ := d.req.Answer(resource)
	if len(documents) == 0 {
		return nil
	}
	peer, err := sdk.DecodeService(documents[0])
	if err != nil {
		return nil
	}
	return peer
}
