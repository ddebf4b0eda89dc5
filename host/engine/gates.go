package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/host/gate/facts"
	"github.com/latticenet/lattice-host/host/gate/policy"
	"github.com/latticenet/lattice-host/host/hostcall"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/internal/problem"
)

func denied(err error) error { return problem.With(problem.Denied, err) }

// decisions keeps decisions by id.
type decisions struct {
	mu   sync.Mutex
	byID map[string]*gate.Decision
}

func (k *decisions) keep(d *gate.Decision) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.byID == nil {
		k.byID = map[string]*gate.Decision{}
	}
	k.byID[d.ID] = d
}

// sorted returns the decisions in an order that does not depend on which was made first.
func (k *decisions) sorted() []*gate.Decision {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.SortedFunc(maps.Values(k.byID), (*gate.Decision).Compare)
}

// gates judge the documents of one run.
type gates struct {
	set   *policy.Set
	judge *policy.Judge
	// used are the decisions about uses of capabilities.
	used decisions
}

// gates returns what judges the documents of a run.
func (s *setup) gates(documents, peers []*resource.Document, force bool) (*gates, error) {
	judge, err := s.policies.For(policy.Run{Documents: objectsOf(documents), Peers: objectsOf(peers), Platform: s.Settings.Platform, Force: force})
	if err != nil {
		return nil, problem.AsInput(err)
	}
	for _, w := range judge.Warnings() {
		s.log.Warn(w)
	}
	return &gates{set: s.policies, judge: judge}, nil
}

func objectOf(d *resource.Document) facts.Object {
	return facts.Object{Ref: d.Ref, Document: d.JSON(), Place: func(field string) string { return d.Position(field).String() }}
}

func objectsOf(docs []*resource.Document) []facts.Object {
	objects := make([]facts.Object, len(docs))
	for i, d := range docs {
		objects[i] = objectOf(d)
	}
	return objects
}

func outputsOf(b *bundle.Bundle) []facts.Object {
	objects := make([]facts.Object, len(b.Outputs))
	for i, o := range b.Outputs {
		objects[i] = facts.Object{Ref: o.Ref, Document: o.Document, Stage: o.Stage, Step: o.Step}
	}
	return objects
}

// Authorize implements hostcall.Authorizer.
func (g *gates) Authorize(ctx context.Context, u hostcall.Use) error {
	return g.capability(ctx, u.Plugin, u.Digest, u.Capability, u.Target)
}

// require decides whether a plugin may have other resources that it asks for: a pipeline.AdmitFunc.
func (g *gates) require(ctx context.Context, _, plugin, digest string, r abi.Requirement) error {
	return g.capability(ctx, plugin, digest, policy.CapabilityRequires, abi.Ref{APIVersion: r.APIVersion, Kind: r.Kind}.GroupKind().String())
}

// capability decides about one use of a capability, and keeps the decision.
func (g *gates) capability(ctx context.Context, plugin, digest, capability, target string) error {
	path, version, _ := strings.Cut(plugin, "@")
	publisher, name, _ := strings.Cut(path, "/")
	d := g.set.Capability(ctx, policy.Use{
		Publisher: publisher, Name: name, Version: version, Digest: digest, Capability: capability, Target: target,
	})
	g.used.keep(d)
	return decisionError(d, nil)
}

// Judged is a document with what the gates decided about it, in the order of the gates.
type Judged struct {
	Document  *resource.Document
	Decisions []*gate.Decision
}

// Allowed reports whether no gate denies the document.
func (j *Judged) Allowed() bool {
	for _, d := range j.Decisions {
		if !d.Allowed() {
			return false
		}
	}
	return true
}

// Err returns every reason that denies, as problems of code [problem.Denied], or nil.
func (j *Judged) Err() error {
	var problems []error
	for _, d := range j.Decisions {
		problems = append(problems, decisionError(d, j.Document))
	}
	return problem.Join(problems...)
}

// Record returns the decisions as they are kept next to a bundle, as the canonical JSON of a
// [bundle.Record].
func (j *Judged) Record(b *bundle.Bundle) ([]byte, error) {
	r := bundle.Record{Bundle: b.Digest(), Resource: b.Resource, Decisions: make([]json.RawMessage, len(j.Decisions))}
	for i, d := range j.Decisions {
		var err error
		if r.Decisions[i], err = json.Marshal(d); err != nil {
			return nil, err
		}
	}
	text, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return bundle.Canonical(text)
}

// decideAll asks a gate about every document, and again about those that pass when one is denied on
// whose consent they may rest, until nothing changes any more.
func (g *gates) decideAll(documents []*Judged, ask func(i int) *gate.Decision) []*gate.Decision {
	decisions := make([]*gate.Decision, len(documents))
	for again := true; again; {
		var denied []abi.Ref
		for i, j := range documents {
			if decisions[i] != nil && !decisions[i].Allowed() {
				continue
			}
			if decisions[i] = ask(i); !decisions[i].Allowed() {
				denied = append(denied, j.Document.Ref)
			}
		}
		again = g.judge.Deny(denied...)
	}
	return decisions
}

func refsOf(list []*Judged) []abi.Ref {
	refs := make([]abi.Ref, len(list))
	for i, j := range list {
		refs[i] = j.Document.Ref
	}
	return refs
}

// decisionError returns an error for each reason of a decision that does not allow, with its place
// in the document's file, or nil. Document may be nil.
func decisionError(d *gate.Decision, doc *resource.Document) error {
	if d.Allowed() {
		return nil
	}
	var problems []error
	for i := range d.Reasons {
		if r := &d.Reasons[i]; r.Verdict != gate.Allow {
			problems = append(problems, denied(reasonError(d, r, doc)))
		}
	}
	if len(problems) == 0 {
		problems = append(problems, denied(fmt.Errorf("%s: denied: no policy decides", d.Subject)))
	}
	return problem.Join(problems...)
}

// reasonError is one reason as one line.
func reasonError(d *gate.Decision, r *gate.Reason, doc *resource.Document) error {
	message := "denied: " + r.Message
	switch {
	case r.Verdict == gate.Error:
		message = "denied because a policy failed: " + r.Message
	case r.Policy != "" && r.Engine != "cedar":
		message += " (" + r.Policy + ")"
	}
	if r.Position != "" {
		message += ", at " + r.Position
	}
	if doc == nil {
		return fmt.Errorf("%s: %s", d.Subject, message)
	}
	if r.Object == "" {
		return problem.Problem{Position: doc.Position(r.Path), Object: doc.Object(), Field: r.Path, Message: message}
	}
	return problem.Problem{
		Position: doc.Position("metadata.name"), Object: doc.Object(), Field: r.Object + " " + r.Path, Message: message,
	}
}
