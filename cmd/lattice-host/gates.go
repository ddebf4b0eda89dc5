package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/host/audit"
	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/host/gate/facts"
	"github.com/latticenet/lattice-host/host/gate/policy"
	"github.com/latticenet/lattice-host/host/hostcall"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/registry/market"
)

// policiesFolder is the folder of an installation that holds the operator's own policies.
const policiesFolder = "policies"

// policyFlags say which policies decide.
type policyFlags struct {
	paths      []string
	noDefaults bool
}

func (f *policyFlags) register(c *cobra.Command) {
	c.Flags().StringArrayVar(&f.paths, "policies", nil, "`file` or folder with policies, besides those of the installation; repeatable")
	f.registerDefaults(c)
	// The flag was defined just above, the only thing that can be wrong.
	_ = c.MarkFlagDirname("policies")
}

func (f *policyFlags) registerDefaults(c *cobra.Command) {
	c.Flags().BoolVar(&f.noDefaults, "no-default-policies", false, "leave the policies out that come with the program")
}

// load reads the policies: those that come with the program, those of the installation, and those of the flags. Home may
// be nil.
func (f *policyFlags) load(home *market.Home) (*policy.Set, error) {
	o, err := f.options(home)
	if err != nil {
		return nil, err
	}
	set, err := policy.Load(o)
	if errors.Is(err, gate.ErrNoPolicies) {
		return nil, denied(fmt.Errorf("%w; write policies into a folder and name it with --policies, or put them into %s in the installation",
			err, policiesFolder))
	}
	return set, asInput(err)
}

func (f *policyFlags) options(home *market.Home) (policy.Options, error) {
	o := policy.Options{NoDefaults: f.noDefaults}
	if home != nil {
		files, err := home.PolicyFiles()
		if err != nil {
			return o, err
		}
		for _, file := range files {
			o.Files = append(o.Files, policy.File(file))
		}
		own := filepath.Join(home.Dir(), policiesFolder)
		if _, err := os.Stat(own); err == nil {
			o.Paths = append(o.Paths, own)
		}
	}
	o.Paths = append(o.Paths, f.paths...)
	return o, nil
}

func denied(err error) error { return problem.With(problem.Denied, err) }

// gates judge the documents of one run.
type gates struct {
	set   *policy.Set
	judge *policy.Judge

	mu sync.Mutex
	// used are the decisions about uses of capabilities, by id.
	used map[string]*gate.Decision
}

// uses returns the decisions about uses of capabilities, in an order that does not depend on which step was faster.
func (g *gates) uses() []*gate.Decision {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.SortedFunc(maps.Values(g.used), func(a, b *gate.Decision) int {
		return cmp.Or(strings.Compare(a.Subject, b.Subject), strings.Compare(a.ID, b.ID))
	})
}

// newGates makes the gates for a request.
func (a *app) newGates(f *policyFlags, home *market.Home, r *request) (*gates, error) {
	set, err := f.load(home)
	if err != nil {
		return nil, err
	}
	for _, p := range set.Cedar.Problems() {
		a.note("warning: %v", p)
	}
	judge, err := set.For(policy.Run{Documents: objectsOf(r.docs), Peers: objectsOf(r.peers), Platform: r.settings.Platform, Force: r.force})
	if err != nil {
		return nil, asInput(err)
	}
	for _, w := range judge.Warnings() {
		a.note("warning: %s", w)
	}
	return &gates{set: set, judge: judge, used: map[string]*gate.Decision{}}, nil
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
	g.keep(d)
	return decisionError(d, nil)
}

// keep adds a decision to those about uses of capabilities.
func (g *gates) keep(d *gate.Decision) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.used[d.ID] = d
}

// judged keeps the decisions about one document.
type judged struct {
	doc       *resource.Document
	decisions []*gate.Decision
}

func (j *judged) allowed() bool {
	for _, d := range j.decisions {
		if !d.Allowed() {
			return false
		}
	}
	return true
}

// err returns every reason that denies, or nil.
func (j *judged) err() error {
	var problems []error
	for _, d := range j.decisions {
		problems = append(problems, decisionError(d, j.doc))
	}
	return problem.Join(problems...)
}

// record returns the decisions as they are kept next to a bundle, as canonical JSON.
func (j *judged) record(b *bundle.Bundle) ([]byte, error) {
	r := bundle.Record{Bundle: b.Digest(), Resource: b.Resource, Decisions: make([]json.RawMessage, len(j.decisions))}
	for i, d := range j.decisions {
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

// decideAll asks a gate about every document, and again about those that pass when one is denied on whose consent they may rest,
// until nothing changes any more.
func (g *gates) decideAll(documents []*judged, ask func(i int) *gate.Decision) []*gate.Decision {
	decisions := make([]*gate.Decision, len(documents))
	for again := true; again; {
		var denied []abi.Ref
		for i, j := range documents {
			if decisions[i] != nil && !decisions[i].Allowed() {
				continue
			}
			if decisions[i] = ask(i); !decisions[i].Allowed() {
				denied = append(denied, j.doc.Ref)
			}
		}
		again = g.judge.Deny(denied...)
	}
	return decisions
}

func refsOf(list []*judged) []abi.Ref {
	refs := make([]abi.Ref, len(list))
	for i, j := range list {
		refs[i] = j.doc.Ref
	}
	return refs
}

// decisionError returns an error for each reason of a decision that does not allow, with its place in the document's file,
// or nil. Document may be nil.
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

// userName returns who runs the program, for policies about people.
func userName() string {
	u, err := user.Current()
	if err != nil {
		return "unknown"
	}
	return u.Username
}

// admission returns what decides about releases before they are installed.
func (a *app) admission(set *policy.Set) func(context.Context, market.Admission) error {
	return func(ctx context.Context, m market.Admission) error {
		if err := checkModule(m.Manifest, m.Wasm); err != nil {
			return err
		}
		i := policy.Installation{
			User: userName(), Publisher: m.Entry.Publisher, Name: m.Entry.Name, Version: m.Entry.Version, Digest: m.Entry.Digest,
			StaleDays: m.StaleDays, Yanked: m.Yanked, Interactive: a.ask != nil, Grants: grantsOf(m.Capabilities),
		}
		d := set.Install(ctx, i)
		if err := a.audit(ctx, audit.Decision(d)); err != nil {
			return errAudit(err, "so nothing is installed")
		}
		return decisionError(d, nil)
	}
}

// grantsOf returns a grant for each thing that capabilities are for.
func grantsOf(capabilities []market.Grant) []policy.Grant {
	var grants []policy.Grant
	for _, c := range capabilities {
		targets := append(append([]string{}, c.Hosts...), c.Kinds...)
		if len(targets) == 0 {
			targets = []string{""}
		}
		for _, target := range targets {
			grants = append(grants, policy.Grant{Capability: c.Name, Target: target})
		}
	}
	return grants
}

// runRevoked lets a revoked plugin run where a policy permits it, and says so. Each decision about that is kept.
func (a *app) runRevoked(set *policy.Set, keep func(*gate.Decision)) func(context.Context, market.Revoked) error {
	return func(ctx context.Context, r market.Revoked) error {
		p := r.Plugin
		d := set.RunRevoked(ctx, userName(), p.Publisher, p.Name, p.Version, p.Digest)
		keep(d)
		if err := decisionError(d, nil); err != nil {
			return denied(errors.New(strings.ReplaceAll(err.Error(), "\n", "; ")))
		}
		a.note("warning: %s is revoked (%s) and runs because a policy permits it: %s", p.Reference(), r.Entry.Reason, d.Reasons[0].Message)
		return nil
	}
}
