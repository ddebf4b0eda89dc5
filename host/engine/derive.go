package engine

import (
	"context"
	"errors"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/host/hostcall"
	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/host/resource"
)

// Run is what is derived together.
type Run struct {
	// Documents are derived. Peers are documents that those may refer to.
	Documents, Peers []*resource.Document
	// Force says that what is derived replaces what somebody else wrote, for the gates.
	Force bool
	// Record keeps what plugins ask the host for, see [Outcome.Calls].
	Record bool
	// Replay answers what plugins ask the host for; nil has it done.
	Replay *hostcall.Tape
}

// Derived is a document with what was derived from it.
type Derived struct {
	*Judged
	Bundle *bundle.Bundle
}

// Failed is a document that could not be derived, and why.
type Failed struct {
	Document *resource.Document
	Err      error
}

// Outcome is what came of a run.
type Outcome struct {
	// Results are the documents that no gate denies, in the order of the run.
	Results []Derived
	// Denied are those that a gate denies. Nothing is emitted for them.
	Denied []*Judged
	// Failed are those that could not be derived; only [Engine.DeriveEach] has any.
	Failed []Failed
	// Documents are all of them.
	Documents []*Judged
	// Calls are what plugins asked the host for. What they stored is kept by its Commit only.
	Calls *hostcall.Run
	// StaleDays is for how many days an index of the plugins has been expired, or -1.
	StaleDays int

	gates *gates
	setup *setup
}

// Err returns why documents were denied or failed, or nil.
func (o *Outcome) Err() error {
	var problems []error
	for _, j := range o.Denied {
		problems = append(problems, j.Err())
	}
	for _, f := range o.Failed {
		problems = append(problems, f.Err)
	}
	return errors.Join(problems...)
}

// Decisions returns what the gates decided in the run: about plugins first, then by document.
func (o *Outcome) Decisions() []*gate.Decision {
	all := append([]*gate.Decision{}, o.uses()...)
	for _, d := range o.Documents {
		all = append(all, d.Decisions...)
	}
	return all
}

// uses returns the decisions about plugins, each once.
func (o *Outcome) uses() []*gate.Decision {
	for _, d := range o.setup.revoked.sorted() {
		o.gates.used.keep(d)
	}
	return o.gates.used.sorted()
}

// Derive derives every document of a run that the gates let pass. Any error but a denial is one of
// the whole run, and holds the reasons of all documents.
func (e *Engine) Derive(ctx context.Context, r Run) (*Outcome, error) {
	s, end := e.use()
	defer end()
	o, p, err := s.begin(ctx, r)
	if err != nil {
		return nil, err
	}
	admitted := p.admitted
	bundles, err := p.engine.DeriveAll(ctx, documentsOf(admitted))
	if ctx.Err() == nil {
		s.countFailures(p.installed, err)
	}
	if err != nil {
		return nil, err
	}
	s.warn(p.engine, bundles)
	return o, o.judge(ctx, admitted, bundles)
}

// DeriveEach derives every document of a run that the gates let pass, and gives each one that fails
// an error of its own, so that the others are derived all the same. The error is one of the whole
// run, such as a plugin of a pipeline that is not installed.
func (e *Engine) DeriveEach(ctx context.Context, r Run) (*Outcome, error) {
	s, end := e.use()
	defer end()
	o, p, err := s.begin(ctx, r)
	if err != nil {
		return nil, err
	}
	bundles, errs := p.engine.DeriveEach(ctx, documentsOf(p.admitted))
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.countFailures(p.installed, errors.Join(errs...))
	var derived []*Judged
	var whole []*bundle.Bundle
	for i, j := range p.admitted {
		if errs[i] != nil {
			o.Failed = append(o.Failed, Failed{j.Document, errs[i]})
			continue
		}
		derived, whole = append(derived, j), append(whole, bundles[i])
	}
	s.warn(p.engine, whole)
	return o, o.judge(ctx, derived, whole)
}

// prepared is what derives the documents of a run.
type prepared struct {
	engine *pipeline.Engine
	// installed are the plugins of the installation; nil when the configuration has others.
	installed *Plugins
	admitted  []*Judged
}

// begin asks about every document before it is derived, and makes ready what derives those that are
// admitted.
func (s *setup) begin(ctx context.Context, r Run) (*Outcome, *prepared, error) {
	o := &Outcome{setup: s}
	var err error
	if o.gates, err = s.gates(r.Documents, r.Peers, r.Force); err != nil {
		return nil, nil, err
	}
	p := &prepared{admitted: o.admit(ctx, r.Documents)}
	found, err := s.find(ctx, r.Documents)
	if err != nil {
		return nil, nil, err
	}
	p.installed, o.StaleDays = found.installed, found.staleDays()
	calls := s.calls(found)
	calls.Authorize, calls.Record, calls.Replay = o.gates, r.Record, r.Replay
	o.Calls = hostcall.NewRun(calls)
	c := s.pipeline(found, append(o.deniedDocuments(), r.Peers...))
	c.HostCalls, c.Admit = o.Calls, o.gates.require
	p.engine, err = pipeline.New(ctx, c)
	return o, p, err
}

// found are the plugins that documents are derived with.
type found struct {
	plugins pipeline.Plugins
	// installed are those of the installation; nil when the configuration has others.
	installed *Plugins
}

// find returns the plugins, and begins to load those that documents need.
func (s *setup) find(ctx context.Context, documents []*resource.Document) (found, error) {
	if s.Plugins != nil {
		return found{plugins: s.Plugins}, nil
	}
	installed, err := s.plugins(ctx)
	if err != nil {
		return found{}, err
	}
	names, err := s.neededPlugins(documents)
	if err != nil {
		return found{}, err
	}
	installed.loadAhead(ctx, names, documents)
	return found{installed, installed}, nil
}

// staleDays is for how many days an index of the plugins has been expired, or -1.
func (f found) staleDays() int {
	if f.installed == nil {
		return -1
	}
	return f.installed.installed.StaleDays()
}

// calls says what host calls are answered with.
func (s *setup) calls(f found) hostcall.Config {
	c := hostcall.Config{Store: s.store(), HTTP: s.Pages}
	if f.installed != nil {
		c.Granted = f.installed.granted
	}
	return c
}

// pipeline returns what documents are derived with, among peers.
func (s *setup) pipeline(f found, peers []*resource.Document) pipeline.Config {
	return pipeline.Config{
		Plugins: f.plugins, Pipelines: s.pipelines, Kinds: s.Kinds, Settings: s.Settings, Peers: peers,
		Progress: func(done, total int) { s.progress("deriving", done, total) },
	}
}

func (s *setup) progress(verb string, done, total int) {
	if s.Progress != nil {
		s.Progress(verb, done, total)
	}
}

// warn tells what the operator or the author should know about what was derived.
func (s *setup) warn(engine *pipeline.Engine, bundles []*bundle.Bundle) {
	for _, warning := range append(engine.Warnings(), pipeline.SharedHosts(bundles)...) {
		s.log.Warn(warning)
	}
}

// admit asks about every document before it is derived, and returns those that are.
func (o *Outcome) admit(ctx context.Context, documents []*resource.Document) []*Judged {
	var admitted []*Judged
	for _, d := range documents {
		j := &Judged{Document: d, Decisions: []*gate.Decision{o.gates.judge.Admit(ctx, objectOf(d))}}
		o.Documents = append(o.Documents, j)
		if j.Allowed() {
			admitted = append(admitted, j)
		} else {
			o.Denied = append(o.Denied, j)
		}
	}
	return admitted
}

func documentsOf(list []*Judged) []*resource.Document {
	docs := make([]*resource.Document, len(list))
	for i, j := range list {
		docs[i] = j.Document
	}
	return docs
}

// deniedDocuments are still there for others to refer to.
func (o *Outcome) deniedDocuments() []*resource.Document { return documentsOf(o.Denied) }

// judge asks about what was derived, and keeps what may be emitted.
func (o *Outcome) judge(ctx context.Context, admitted []*Judged, bundles []*bundle.Bundle) error {
	o.gates.judge.Deny(refsOf(o.Denied)...)
	decisions := o.gates.decideAll(admitted, func(i int) *gate.Decision {
		return o.gates.judge.Outputs(ctx, objectOf(admitted[i].Document), outputsOf(bundles[i]))
	})
	for i, b := range bundles {
		j := admitted[i]
		j.Decisions = append(j.Decisions, decisions[i])
		if !j.Allowed() {
			o.Denied = append(o.Denied, j)
			continue
		}
		o.Results = append(o.Results, Derived{j, b})
	}
	return ctx.Err()
}

// DeniedRefs returns the documents that gates deny.
func (o *Outcome) DeniedRefs() []abi.Ref { return refsOf(o.Denied) }
