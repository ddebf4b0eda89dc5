package workload

import (
	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/abi/lattice"
	sdk "github.com/latticenet/lattice-host/plugins/sdk/go"
	"github.com/latticenet/lattice-host/plugins/sdk/go/template"
)

// requireOwner names the requirement for the owners of a volume. It cannot be mistaken for that of
// a service, which has a slash.
func requireOwner(id string) string { return "volume:" + id }

// requireOwnerJob names the requirement for the jobs that own a volume.
func requireOwnerJob(id string) string { return "volume-of-job:" + id }

// Waits asks for the documents that the derivation depends on, and reports whether it has to wait
// for them.
func (b *Builder) Waits() bool {
	resources := b.subject.Workload.Resources
	for i := range resources {
		if r := &resources[i].Value; r.Type == "volume" && r.ID != "" && !ownsVolume(r) {
			owner := abi.Requirement{
				Name: requireOwner(r.ID), APIVersion: lattice.APIVersion, Kind: lattice.KindService, Namespace: b.subject.Owner.Namespace,
				MatchLabels: cbor.Map[string]{{Key: lattice.LabelVolumePrefix + r.ID, Value: "true"}},
			}
			b.requireOnce(owner)
			owner.Name, owner.Kind = requireOwnerJob(r.ID), lattice.KindJob
			b.requireOnce(owner)
		}
	}
	b.requireServices()
	return b.unanswered()
}

// requireServices asks for the services whose outputs the document uses.
func (b *Builder) requireServices() {
	resources := b.subject.Workload.Resources
	for i := range resources {
		if name, r := resources[i].Key, &resources[i].Value; r.Type == "service" && b.mentions(name) {
			peer, namespace := b.peerOf(name, r)
			b.requireOnce(abi.Requirement{
				Name: requirePeer(namespace, peer), APIVersion: lattice.APIVersion, Kind: lattice.KindService, Namespace: namespace, MatchName: peer,
			})
		}
	}
}

func (b *Builder) unanswered() bool {
	for i := range b.resp.Requirements {
		if _, answered := b.req.Answer(b.resp.Requirements[i].Name); !answered {
			return true
		}
	}
	return false
}

// requireOnce asks for a document, each once. What is asked for again in every round has settled
// for the host.
func (b *Builder) requireOnce(q abi.Requirement) {
	for i := range b.resp.Requirements {
		if b.resp.Requirements[i].Name == q.Name {
			return
		}
	}
	b.resp.Require(q)
}

// peerOf returns the name and namespace of the service that a resource refers to.
func (b *Builder) peerOf(resource string, r *lattice.Resource) (name, namespace string) {
	name, namespace = r.ID, r.Namespace
	if name == "" {
		name = resource
	}
	if namespace == "" {
		namespace = b.subject.Owner.Namespace
	}
	return name, namespace
}

// mentions reports whether a variable or file refers to an output of the resource.
func (b *Builder) mentions(resource string) bool {
	found := false
	visit := func(reference string) {
		if name, _ := template.Resource(reference); name != "" && template.SameName(name, resource) {
			found = true
		}
	}
	for _, c := range b.containers() {
		b.eachLine(&c, func(text string) { template.References(text, template.Plain, visit) })
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

// eachLine calls visit with every text of a container's command lines, probes and lifecycle.
func (b *Builder) eachLine(c *container, visit func(text string)) {
	lines := [][]string{c.Command, c.Args}
	get := func(g *lattice.HTTPGet) {
		if g == nil {
			return
		}
		lines = append(lines, []string{g.Path, g.Host})
		for i := range g.HTTPHeaders {
			lines = append(lines, []string{g.HTTPHeaders[i].Value})
		}
	}
	for _, p := range []*lattice.Probe{c.LivenessProbe, c.ReadinessProbe, c.StartupProbe} {
		if p == nil {
			continue
		}
		get(p.HTTPGet)
		if p.Exec != nil {
			lines = append(lines, p.Exec.Command)
		}
		if p.GRPC != nil {
			lines = append(lines, []string{p.GRPC.Service})
		}
	}
	if c.Lifecycle != nil && c.Lifecycle.PreStop != nil {
		get(c.Lifecycle.PreStop.HTTPGet)
		if e := c.Lifecycle.PreStop.Exec; e != nil {
			lines = append(lines, e.Command)
		}
	}
	for _, line := range lines {
		for _, text := range line {
			visit(text)
		}
	}
}

// requirePeer names the requirement of one service.
func requirePeer(namespace, name string) string { return namespace + "/" + name }

// peer returns the document of a service, when it is known.
func (b *Builder) peer(namespace, name string) *lattice.LatticeService {
	documents, _ := b.req.Answer(requirePeer(namespace, name))
	if len(documents) == 0 {
		return nil
	}
	peer, err := sdk.DecodeService(documents[0])
	if err != nil {
		return nil
	}
	return peer
}
