package facts

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/gate"
)

// claimPrefix begins the name of the claim of a volume that has an id.
const claimPrefix = "vol-"

// Owners knows who owns which volume. It is made by [NewOwners] and changes by [Owners.Replace]
// only.
type Owners struct {
	// volumes are by namespace and the name of their claim.
	volumes map[string]map[string][]volume
	// routes are what documents publish, by namespace.
	routes map[string][]publication
	// endpoints count the documents that name one, by its id in their namespace.
	endpoints map[name]int
}

// volume is a volume that a document declares with its size.
type volume struct {
	owner abi.Ref
	// field is where it is declared, without params.
	field     string
	consumers []string
	// origin and place are those of the document that says so.
	origin gate.Origin
	place  func(field string) string
	// denied says that the document is one of the run that a gate did not let pass.
	denied bool
}

// NewOwners reads which volumes documents own, and whom they let use them: those of a run, those
// next to it, and those among the policies. Where one document is there several times, all of them
// must consent.
func NewOwners(documents []Object) *Owners {
	o := &Owners{volumes: map[string]map[string][]volume{}, routes: map[string][]publication{}, endpoints: map[name]int{}}
	for i := range documents {
		o.add(&documents[i])
	}
	for _, claims := range o.volumes {
		for _, volumes := range claims {
			slices.SortFunc(volumes, volume.compare)
		}
	}
	return o
}

// add adds what a document says, and returns the claims that it has volumes for, which may not be
// sorted then.
func (o *Owners) add(document *Object) (claims []string) {
	d := read(document)
	o.routes[d.ref.Namespace] = append(o.routes[d.ref.Namespace], publications(d)...)
	for id := range declaredEndpoints(d) {
		o.endpoints[name{d.ref.Namespace, id}]++
	}
	declaredVolumes(d, func(n node, claim string) {
		v := volume{owner: d.ref, field: n.path(), origin: document.Origin, place: document.Place}
		for _, c := range n.at("params", "allowedConsumers").items() {
			v.consumers = append(v.consumers, c.text())
		}
		if o.volumes[d.ref.Namespace] == nil {
			o.volumes[d.ref.Namespace] = map[string][]volume{}
		}
		o.volumes[d.ref.Namespace][claim] = append(o.volumes[d.ref.Namespace][claim], v)
		claims = append(claims, claim)
	})
	return claims
}

// remove takes away what a document of the run says.
func (o *Owners) remove(document *Object) {
	d := read(document)
	o.routes[d.ref.Namespace] = slices.DeleteFunc(o.routes[d.ref.Namespace], func(p publication) bool { return p.owner == d.ref })
	for id := range declaredEndpoints(d) {
		if at := (name{d.ref.Namespace, id}); o.endpoints[at] > 1 {
			o.endpoints[at]--
		} else {
			delete(o.endpoints, at)
		}
	}
	claims := o.volumes[d.ref.Namespace]
	declaredVolumes(d, func(_ node, claim string) {
		claims[claim] = slices.DeleteFunc(claims[claim], func(v volume) bool { return v.owner == d.ref && v.origin != gate.FromPolicies })
		if len(claims[claim]) == 0 {
			delete(claims, claim)
		}
	})
}

// Replace puts after in place of before, which must be as it was added; either may be nil. What it
// costs does not depend on how many documents there are. Nothing may read the owners meanwhile.
func (o *Owners) Replace(before, after *Object) {
	if before != nil {
		o.remove(before)
	}
	if after == nil {
		return
	}
	for _, claim := range o.add(after) {
		slices.SortFunc(o.volumes[after.Ref.Namespace][claim], volume.compare)
	}
}

// Withdraw is [Owners.Deny] for one document, in place.
func (o *Owners) Withdraw(document Object) {
	claims := o.volumes[document.Ref.Namespace]
	declaredVolumes(read(&document), func(_ node, claim string) {
		volumes := claims[claim]
		for i := range volumes {
			if v := &volumes[i]; v.origin == gate.FromRun && sameDocument(v.owner, document.Ref) {
				v.origin, v.denied = gate.FromWith, true
			}
		}
		slices.SortFunc(volumes, volume.compare)
	})
}

// declaredVolumes visits the volumes that a document declares with their size.
func declaredVolumes(d document, visit func(n node, claim string)) {
	visitVolumes(d.root, d.ref.Name, func(n node, claim string) {
		if !n.at("params", "size").missing() {
			visit(n, claim)
		}
	})
}

// compare orders volumes by their owners, and those of one owner by what is trusted most.
func (v volume) compare(o volume) int {
	return cmp.Or(v.owner.Compare(o.owner), o.origin.Trust()-v.origin.Trust(), strings.Compare(v.field, o.field))
}

// Deny returns owners of whom some are denied in the run: a document that is not applied
// is treated as given with --with. It reports whether that changes anything.
func (o *Owners) Deny(documents []abi.Ref) (after *Owners, changed bool) {
	if len(documents) == 0 {
		return o, false
	}
	denied := make(map[abi.Ref]bool, len(documents))
	for _, d := range documents {
		denied[unversioned(d)] = true
	}
	after = &Owners{volumes: make(map[string]map[string][]volume, len(o.volumes)), routes: o.routes, endpoints: o.endpoints}
	for namespace, claims := range o.volumes {
		after.volumes[namespace] = make(map[string][]volume, len(claims))
		for claim, volumes := range claims {
			volumes = slices.Clone(volumes)
			for i := range volumes {
				if v := &volumes[i]; v.origin == gate.FromRun && denied[unversioned(v.owner)] {
					v.origin, v.denied, changed = gate.FromWith, true, true
				}
			}
			slices.SortFunc(volumes, volume.compare)
			after.volumes[namespace][claim] = volumes
		}
	}
	return after, changed
}

// Owns reports whether a document owns a volume.
func Owns(o Object) bool { return len(NewOwners([]Object{o}).volumes) > 0 }

// visitVolumes visits the volume resources of a document, with the names that their claims have.
// The tasks of a job and the roles of a model are workloads of their own.
func visitVolumes(n node, workload string, visit func(n node, claim string)) {
	for _, member := range n.members() {
		key := member.key
		switch key {
		case "resources":
			for _, r := range member.members() {
				if r.at("type").value != "volume" {
					continue
				}
				claim := workload + "-" + r.key
				if id := r.at("id").text(); id != "" {
					claim = claimPrefix + id
				}
				visit(r, claim)
			}
		case "tasks", "roles":
			for _, below := range member.members() {
				visitVolumes(below, workload+"-"+below.key, visit)
			}
		default:
			visitVolumes(member, workload, visit)
		}
	}
}

// of returns the volumes that a claim is bound to.
func (o *Owners) of(at name) []volume {
	if o == nil {
		return nil
	}
	return o.volumes[at.namespace][at.name]
}

// claims returns the claims of a namespace whose names are the prefix and a number, sorted.
func (o *Owners) claims(namespace, prefix string) []name {
	if o == nil {
		return nil
	}
	var found []name
	for claim := range o.volumes[namespace] {
		number, ok := strings.CutPrefix(claim, prefix)
		if ok && number != "" && strings.Trim(number, "0123456789") == "" {
			found = append(found, name{namespace, claim})
		}
	}
	slices.SortFunc(found, func(a, b name) int { return strings.Compare(a.name, b.name) })
	return found
}

// lets reports whether the owner lets a document use the volume.
func (v *volume) lets(consumer abi.Ref) bool {
	return slices.ContainsFunc(v.consumers, func(c string) bool {
		return c == consumer.Namespace+"/"+consumer.Name || c == consumer.Name && consumer.Namespace == v.owner.Namespace
	})
}

// unversioned returns what documents that are the same have in common: a reference with a group in
// place of the version.
func unversioned(r abi.Ref) abi.Ref {
	r.APIVersion = r.GroupKind().Group
	return r
}

// sameDocument reports whether the references name one document, of whatever version.
func sameDocument(a, b abi.Ref) bool {
	return a.GroupKind() == b.GroupKind() && a.Namespace == b.Namespace && a.Name == b.Name
}

// volumeReferences asks about the volumes that the resource uses and does not own.
func (f *finder) volumeReferences(r *reader, root node) {
	visitVolumes(root, r.ref.Name, func(n node, claim string) {
		if id := n.at("id"); !id.missing() && n.at("params", "size").missing() {
			r.foreignVolume(id, name{r.ref.Namespace, claim})
		}
	})
}

// claimReference asks about a claim that is mounted, unless the bundle makes it.
func (r *reader) claimReference(n node, claim string) {
	made := r.index.refs[abi.Ref{
		APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: r.ref.Namespace, Name: claim,
	}]
	if claim != "" && !made {
		r.foreignVolume(n, name{r.ref.Namespace, claim})
	}
}

// foreignVolume asks about a volume of others, or refuses it when they did not consent.
func (r *reader) foreignVolume(n node, claim name) {
	id := strings.TrimPrefix(claim.name, claimPrefix)
	r.ask(gate.ActionAccessVolume, gate.Volume(claim.namespace, id), n)
	request := &r.requests[len(r.requests)-1]
	if request.Refusal = r.refusal(claim, id); request.Refusal == "" {
		r.consent(claim, request)
	}
}

// consent says in a question where the owners of a volume consent. Of one owner the word that is
// trusted most counts, of several the one that is trusted least.
func (r *reader) consent(claim name, request *gate.Request) {
	var last abi.Ref
	var notes []string
	denied := false
	for _, v := range r.in.Owners.of(claim) {
		// Those of one owner follow each other, what is trusted most first.
		if sameDocument(v.owner, r.in.Resource.Ref) || sameDocument(v.owner, last) {
			continue
		}
		last = v.owner
		if len(notes) == 0 || v.origin.Trust() < gate.Origin(request.Context[gate.ContextConsent].(string)).Trust() {
			request.Context = gate.VolumeContext(cmp.Or(v.origin, gate.FromWith))
		}
		notes = append(notes, v.note())
		denied = denied || v.denied
	}
	request.Note = strings.Join(notes, ", and ")
	switch {
	case request.Context[gate.ContextConsent] != string(gate.FromWith):
	case denied:
		request.Hint = "its owner is denied in the same run, so its consent counts as given in a document of --with; " +
			"have the owner pass, or put its document among the policies"
	default:
		request.Hint = "its owner consents only in a document given with --with, which anybody could have written; " +
			"derive the owner in the same run (-f), or put its document among the policies"
	}
}

// note says where an owner consents.
func (v *volume) note() string {
	field := v.field + ".params.allowedConsumers"
	words := map[gate.Origin]string{gate.FromPolicies: "among the policies", gate.FromRun: "derived in the same run"}
	at, other := "", "given with --with"
	if v.place != nil {
		at = " at " + v.place(field)
	}
	if v.denied {
		other = "denied in the same run"
	}
	return Subject(v.owner) + at + ", " + cmp.Or(words[v.origin], other)
}

// refusal returns why a volume may not be used whatever policies say; empty when all its owners let
// the resource use it.
func (r *reader) refusal(claim name, id string) string {
	volumes := r.in.Owners.of(claim)
	if len(volumes) == 0 {
		return fmt.Sprintf("the volume %s/%s has no known owner: no document of namespace %s declares it with a size; "+
			"derive its owner in the same run, or put the owner's document among the policies",
			claim.namespace, id, claim.namespace)
	}
	var missing []string
	for i := range volumes {
		v := &volumes[i]
		if sameDocument(v.owner, r.in.Resource.Ref) || v.lets(r.in.Resource.Ref) {
			continue
		}
		owner := Subject(v.owner)
		if v.origin == gate.FromPolicies {
			owner += ", as written in the policies"
		}
		missing = append(missing, fmt.Sprintf("it belongs to %s, whose %s.params.allowedConsumers does not list %s/%s; "+
			"its owner can add %q there", owner, v.field, r.in.Resource.Ref.Namespace, r.in.Resource.Ref.Name,
			consumerName(v.owner, r.in.Resource.Ref)))
	}
	if len(missing) == 0 {
		return ""
	}
	return fmt.Sprintf("the volume %s/%s: %s", claim.namespace, id, strings.Join(missing, "; and "))
}

func consumerName(owner, consumer abi.Ref) string {
	if owner.Namespace == consumer.Namespace {
		return consumer.Name
	}
	return consumer.Namespace + "/" + consumer.Name
}

// claim asks about a claim that is to be made. One that belongs to another document would take over
// its volume.
func (r *reader) claim(root node) {
	at := name{r.ref.Namespace, r.ref.Name}
	for _, v := range r.in.Owners.of(at) {
		if !sameDocument(v.owner, r.in.Resource.Ref) {
			r.foreignVolume(root.at("metadata", "name"), at)
		}
	}
	r.claimSpec(r.get(root, "spec"))
}

// claimSpec asks about what a claim starts with: a volume of the cluster's, or a copy of another
// one.
func (r *reader) claimSpec(spec node) {
	if volume := r.text(r.get(spec, "volumeName")); volume != "" {
		r.override("volume", "persistentVolume:"+volume, spec.at("volumeName"))
	}
	if selector := r.get(spec, "selector"); !selector.missing() {
		r.override("volume", "persistentVolume:*", selector)
	}
	for _, field := range [...]string{"dataSource", "dataSourceRef"} {
		source := r.get(spec, field)
		if source.missing() || !r.isObject(source) {
			continue
		}
		kind, own := r.text(source.at("kind")), source.at("name")
		if kind == "PersistentVolumeClaim" && source.at("namespace").missing() {
			r.claimReference(own, r.text(own))
			continue
		}
		r.override("volume", "dataSource:"+kind+"/"+r.text(own), source)
	}
}

// statefulSet asks about the claims that a set makes for its pods.
func (r *reader) statefulSet(root node) {
	for _, template := range r.list(r.get(root, "spec", "volumeClaimTemplates")) {
		r.claimSpec(r.get(template, "spec"))
		r.adopted(r.get(template, "metadata", "name"), root.at("metadata", "name").text())
	}
}

// adopted asks about volumes of others that a set would take for its own: it looks at the names of
// claims only.
func (r *reader) adopted(template node, set string) {
	prefix := r.text(template) + "-" + set + "-"
	for _, at := range r.in.Owners.claims(r.ref.Namespace, prefix) {
		r.foreignVolume(template, at)
	}
}
