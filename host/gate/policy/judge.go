package policy

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/host/gate/facts"
	"github.com/latticenet/lattice-host/host/gate/quota"
)

// Judge judges the documents of one run, which know of each other: one owns a volume that another
// uses, all together use up a quota. What it decides does not change but by [Judge.Deny]; it is
// safe for concurrent use.
type Judge struct {
	set      *Set
	account  *quota.Account
	platform any
	force    bool

	mu     sync.Mutex
	owners *facts.Owners
	// asked are the questions that the gate after a derivation had, by the identity of what was
	// derived, for the gate that has them again before the same is applied.
	asked map[[sha256.Size]byte][]gate.Request
}

// Run is what the documents of one run have in common.
type Run struct {
	// Documents are those that are derived, Peers those next to them.
	Documents, Peers []facts.Object
	// Platform is where the outputs will run.
	Platform abi.Platform
	// Force says that an execution replaces what somebody else wrote or changed.
	Force bool
}

// For returns what judges the documents of a run.
func (s *Set) For(r Run) (*Judge, error) {
	all := append(from(gate.FromRun, r.Documents), from(gate.FromWith, r.Peers)...)
	owners := facts.NewOwners(append(slices.Clip(all), s.Owners...))
	j := &Judge{set: s, owners: owners, asked: map[[sha256.Size]byte][]gate.Request{}, force: r.Force}
	workloads := make([]json.RawMessage, len(all))
	for i, o := range all {
		workloads[i] = o.Document
	}
	var err error
	if j.account, err = quota.New(s.Quotas, workloads, s.Namespaces); err != nil {
		return nil, err
	}
	j.platform, err = value(r.Platform)
	return j, err
}

// Replace judges with after in place of before, two states of one document of the run; either may
// be nil. What it costs does not depend on how many documents there are. Nothing may be judged
// meanwhile. When after cannot be counted, the error says why, and nothing has changed.
func (j *Judge) Replace(before, after *facts.Object) error {
	var documents [2]json.RawMessage
	var objects [2]*facts.Object
	for i, o := range []*facts.Object{before, after} {
		if o != nil {
			object := *o
			object.Origin = gate.FromRun
			documents[i], objects[i] = o.Document, &object
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.account.Replace(documents[0], documents[1]); err != nil {
		return err
	}
	j.owners.Replace(objects[0], objects[1])
	clear(j.asked)
	return nil
}

// Withdraw lets the consent of a document of the run count no more than that of one next to it,
// until it is replaced. What it costs does not depend on how many documents there are. Nothing may
// be judged meanwhile.
func (j *Judge) Withdraw(o facts.Object) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.owners.Withdraw(o)
	clear(j.asked)
}

// from returns documents with where they are from.
func from(o gate.Origin, documents []facts.Object) []facts.Object {
	all := slices.Clone(documents)
	for i := range all {
		all[i].Origin = o
	}
	return all
}

// Deny tells that documents of the run were denied. The consent of those who own volumes then
// counts no more than that of a document next to the run: anyone who may not do what a document
// says cannot have it consent. It reports whether that may change what was decided about others,
// who have to be judged again.
func (j *Judge) Deny(documents ...abi.Ref) (changed bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	owners, changed := j.owners.Deny(documents)
	if changed {
		j.owners = owners
		clear(j.asked)
	}
	return changed
}

// input returns what there is to judge.
func (j *Judge) input(resource facts.Object, outputs []facts.Object) facts.Input {
	j.mu.Lock()
	defer j.mu.Unlock()
	return facts.Input{Resource: resource, Outputs: outputs, Owners: j.owners}
}

// Warnings says what is not known that may make quotas count too little, those of the policies
// included.
func (j *Judge) Warnings() []string {
	warnings := j.set.Warnings()
	for _, namespace := range j.account.Unknown() {
		warnings = append(warnings, fmt.Sprintf("the namespace %s is in no Namespace document among the policies, so that it counts "+
			"against no quota of a group; add one, with the label %s if it is in a group", namespace, quota.GroupLabel))
	}
	return warnings
}

// value returns v as rules see it.
func value(v any) (any, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return decode(text)
}

// Admit judges a document before it is derived.
func (j *Judge) Admit(ctx context.Context, o facts.Object) *gate.Decision {
	kind := o.Ref.GroupKind()
	in := &gate.Input{
		Point: gate.Admit, Subject: facts.Subject(o.Ref), Digest: digest(o.Document),
		Requests: []gate.Request{{
			Principal: facts.Principal(o.Ref), Action: gate.ActionAdmit, Resource: gate.KindOf(kind.Group, kind.Kind),
		}},
	}
	document, err := decode(o.Document)
	if err != nil {
		return j.set.broken(ctx, in, err)
	}
	return j.decide(ctx, in, o, func() (map[string]any, error) { return map[string]any{"resource": document}, nil })
}

// Outputs judges what was derived from a document.
func (j *Judge) Outputs(ctx context.Context, resource facts.Object, outputs []facts.Object) *gate.Decision {
	in := j.input(resource, outputs)
	reading := facts.Read(in)
	requests := reading.Requests()
	if reading.Err() == nil {
		j.mu.Lock()
		j.asked[identity(in)] = slices.Clip(requests)
		j.mu.Unlock()
	}
	return j.derived(ctx, gate.Outputs, in, reading, requests)
}

// Execute judges a bundle before it is applied to a target, kind and name, where its objects go to
// namespaces. Whatever the gate after the derivation was asked is asked again: policies may have
// changed, and it is these bytes that are applied.
func (j *Judge) Execute(ctx context.Context, resource facts.Object, outputs []facts.Object, kind, name string, staleDays int) *gate.Decision {
	in := j.input(resource, outputs)
	requests, reading := j.again(in)
	for _, namespace := range namespaces(resource, outputs) {
		r := gate.Request{
			Principal: facts.Principal(resource.Ref), Action: gate.ActionExecute, Resource: gate.Target(kind, name, namespace),
		}
		r.Context = gate.ExecuteContext(int64(staleDays), j.force)
		requests = append(requests, r)
	}
	return j.derived(ctx, gate.Execute, in, reading, requests)
}

// again returns the questions about an input. It is read only when it was not judged before, or
// when rules look at it; otherwise there is no reading.
func (j *Judge) again(in facts.Input) ([]gate.Request, *facts.Reading) {
	id := identity(in)
	j.mu.Lock()
	requests, known := j.asked[id]
	delete(j.asked, id)
	j.mu.Unlock()
	if known && !j.set.Rego.Judges(gate.Execute) {
		return requests, nil
	}
	reading := facts.Read(in)
	if !known {
		requests = reading.Requests()
	}
	return requests, reading
}

// derived judges what was derived; reading is nil when it is known that it can be read, and no
// rules look at it.
func (j *Judge) derived(ctx context.Context, point gate.Point, in facts.Input, reading *facts.Reading, requests []gate.Request) *gate.Decision {
	g := &gate.Input{Point: point, Subject: facts.Subject(in.Resource.Ref), Requests: requests, Digest: digestAll(in)}
	if reading != nil && reading.Err() != nil {
		return j.set.broken(ctx, g, reading.Err())
	}
	return j.decide(ctx, g, in.Resource, func() (map[string]any, error) { return reading.Document(point) })
}

// decide asks, and gives rules the document with what every document has besides, where there are
// rules.
func (j *Judge) decide(ctx context.Context, in *gate.Input, o facts.Object, document func() (map[string]any, error)) *gate.Decision {
	if !j.set.Rego.Judges(in.Point) {
		return j.set.Decide(ctx, in)
	}
	object, err := j.complete(in, o, document)
	if err != nil {
		return j.set.broken(ctx, in, err)
	}
	in.Document = object
	return j.set.Decide(ctx, in)
}

func (j *Judge) complete(in *gate.Input, o facts.Object, document func() (map[string]any, error)) (map[string]any, error) {
	object, err := document()
	if err != nil {
		return nil, err
	}
	found, err := j.account.Facts(o.Document)
	if err != nil {
		return nil, err
	}
	object["gate"], object["subject"], object["platform"] = string(in.Point), in.Subject, j.platform
	object["quota"], err = quota.Document(found)
	return object, err
}

// broken decides about what cannot be judged: a refusal, so that it is denied whatever policies
// say.
func (s *Set) broken(ctx context.Context, in *gate.Input, problem error) *gate.Decision {
	in.Document = nil
	in.Requests = append(in.Requests, gate.Request{
		Principal: gate.Entity{Type: gate.TypeService, ID: in.Subject}, Action: gate.ActionAdmit,
		Resource: gate.Entity{Type: gate.TypeKind, ID: in.Subject}, Refusal: "it cannot be judged: " + problem.Error(),
	})
	return s.Decide(ctx, in)
}

// CapabilityRequires is the name under which policies are asked whether a plugin may have the
// resources of a kind that it requires. Every plugin has it, for the kinds in its manifest.
const CapabilityRequires = "requires"

// Use is one use of a capability.
type Use struct {
	// Publisher, Name, Version and Digest are those of the plugin.
	Publisher, Name, Version, Digest string
	// Capability is the name of the capability, Target what it is used on.
	Capability, Target string
}

// Capability judges a use of a capability that a plugin was granted.
func (s *Set) Capability(ctx context.Context, u Use) *gate.Decision {
	plugin := gate.Plugin(u.Publisher, u.Name, u.Version, u.Digest)
	return s.ask(ctx, gate.Capability, plugin.ID, u.Digest, gate.Request{
		Principal: plugin, Action: gate.ActionUseCapability, Resource: gate.CapabilityOf(u.Capability, u.Target),
	})
}

// Installation is a release that somebody wants to install.
type Installation struct {
	// User is who wants it.
	User string
	// Publisher, Name, Version and Digest are those of the plugin.
	Publisher, Name, Version, Digest string
	// StaleDays is for how many days the index has been expired; -1 while it is fresh.
	StaleDays int
	Yanked    bool
	// Interactive says that somebody is there.
	Interactive bool
	// Grants are the capabilities that the plugin gets, each with one thing that it is for, or
	// without.
	Grants []Grant
}

// Grant is a capability and one host or kind that it is for.
type Grant struct{ Capability, Target string }

// Install judges an installation and everything that it grants.
func (s *Set) Install(ctx context.Context, i Installation) *gate.Decision {
	user, plugin := gate.User(i.User), gate.Plugin(i.Publisher, i.Name, i.Version, i.Digest)
	requests := []gate.Request{{
		Principal: user, Action: gate.ActionInstall, Resource: plugin,
		Context: gate.InstallContext(int64(i.StaleDays), i.Yanked, i.Interactive),
	}}
	for _, g := range i.Grants {
		requests = append(requests, gate.Request{
			Principal: user, Action: gate.ActionGrant, Resource: plugin,
			Context: gate.GrantContext(g.Capability, g.Target, i.Interactive),
		})
	}
	return s.ask(ctx, gate.Install, plugin.ID, i.Digest, requests...)
}

// RunRevoked judges whether a revoked plugin may run all the same.
func (s *Set) RunRevoked(ctx context.Context, user, publisher, name, version, digest string) *gate.Decision {
	plugin := gate.Plugin(publisher, name, version, digest)
	return s.ask(ctx, gate.Capability, plugin.ID, digest, gate.Request{
		Principal: gate.User(user), Action: gate.ActionRunRevoked, Resource: plugin,
	})
}

// ask decides about questions without a document; rules see the questions.
func (s *Set) ask(ctx context.Context, point gate.Point, subject, digest string, requests ...gate.Request) *gate.Decision {
	in := &gate.Input{Point: point, Subject: subject, Digest: digest, Requests: requests}
	asked, err := value(requests)
	if err != nil {
		return s.broken(ctx, in, err)
	}
	in.Document = map[string]any{"gate": string(point), "subject": subject, "requests": asked}
	return s.Decide(ctx, in)
}

// Remove decides about a resource that is taken away from a target, by the digest of its bundle.
// There is nothing to ask, since what runs no more needs no permission: the decision is there to be
// noted, with the policies of its moment.
func (s *Set) Remove(ctx context.Context, resource abi.Ref, digest string) *gate.Decision {
	return s.Decide(ctx, &gate.Input{Point: gate.Remove, Subject: facts.Subject(resource), Digest: digest})
}
