package engine

import (
	"context"
	"slices"
	"sync"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/host/gate/facts"
	"github.com/latticenet/lattice-host/host/hostcall"
	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/internal/problem"
)

// Workspace holds documents that refer to each other and of which one at a time changes. What a
// change and a derivation cost does not depend on how many documents there are. It works with the
// configuration that its engine had when it was made, and is safe for concurrent use.
//
// As in a run, a document that a gate denies consents to the use of its volumes no more than one
// that is given with a run, until it passes again. Documents that use the volumes have to be
// derived again then. Two that need the consent of each other and were denied once stay denied
// until one of them is put.
type Workspace struct {
	setup   *setup
	end     func()
	plugins found

	// mu guards the documents and what is made of them: readers derive.
	mu        sync.RWMutex
	gates     *gates
	engine    *pipeline.Engine
	documents map[abi.Ref]*resource.Document
	// denied are those that a gate denied when they were last derived.
	denied map[abi.Ref]bool
}

// Workspace returns one that holds documents. It must be closed.
func (e *Engine) Workspace(ctx context.Context, documents []*resource.Document) (*Workspace, error) {
	s, end := e.use()
	w := &Workspace{
		setup: s, end: sync.OnceFunc(end), documents: make(map[abi.Ref]*resource.Document, len(documents)), denied: map[abi.Ref]bool{},
	}
	for _, d := range documents {
		if other := w.documents[d.Ref]; other != nil {
			w.end()
			return nil, problem.Problem{
				Position: d.Position("metadata.name"), Object: d.Object(), Field: "metadata.name",
				Message: "the document is a duplicate, first at " + other.Position("metadata.name").String() + "; keep one",
			}
		}
		w.documents[d.Ref] = d
	}
	if err := w.start(ctx, documents); err != nil {
		w.end()
		return nil, err
	}
	return w, nil
}

func (w *Workspace) start(ctx context.Context, documents []*resource.Document) (err error) {
	if w.gates, err = w.setup.gates(documents, nil, false); err != nil {
		return err
	}
	if w.plugins, err = w.setup.find(ctx, documents); err != nil {
		return err
	}
	w.engine, err = pipeline.New(ctx, w.setup.pipeline(w.plugins, documents))
	return err
}

// Close ends the use of the engine's configuration.
func (w *Workspace) Close() { w.end() }

// Put adds a document, in place of one of the same reference. When quotas cannot count it, the
// error says why, and nothing has changed.
func (w *Workspace) Put(d *resource.Document) error { return w.replace(d.Ref, d) }

// Remove removes a document; one that does not exist is not an error.
func (w *Workspace) Remove(ref abi.Ref) {
	// Only what is put can be uncountable.
	_ = w.replace(ref, nil)
}

func (w *Workspace) replace(ref abi.Ref, after *resource.Document) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := w.documents[ref]
	if before == nil && after == nil {
		return nil
	}
	if err := w.gates.judge.Replace(objectOrNil(before), objectOrNil(after)); err != nil {
		return problem.AsInput(err)
	}
	w.engine.Replace(before, after)
	delete(w.denied, ref)
	if after == nil {
		delete(w.documents, ref)
	} else {
		w.documents[ref] = after
	}
	return nil
}

func objectOrNil(d *resource.Document) *facts.Object {
	if d == nil {
		return nil
	}
	o := objectOf(d)
	return &o
}

// Derive derives one document of the workspace and has the gates judge it. What became of it is in
// the outcome: a result, a denial or a failure. What plugins stored is kept by the Commit of its
// calls.
func (w *Workspace) Derive(ctx context.Context, ref abi.Ref) (*Outcome, error) {
	o, err := w.derive(ctx, ref)
	if err == nil && len(o.Failed) == 0 {
		w.noteDenied(o.Documents[0].Document, len(o.Denied) > 0)
	}
	return o, err
}

// noteDenied takes the consent of a document away that is denied, and gives it back when it is not.
func (w *Workspace) noteDenied(d *resource.Document, denied bool) {
	w.mu.RLock()
	same := w.denied[d.Ref] == denied
	w.mu.RUnlock()
	if same {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.documents[d.Ref] != d {
		return
	}
	if denied {
		w.denied[d.Ref] = true
		w.gates.judge.Withdraw(objectOf(d))
		return
	}
	delete(w.denied, d.Ref)
	o := objectOf(d)
	// The document was counted when it was put.
	_ = w.gates.judge.Replace(&o, &o)
}

func (w *Workspace) derive(ctx context.Context, ref abi.Ref) (*Outcome, error) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	d := w.documents[ref]
	if d == nil {
		return nil, problem.Errorf(problem.Invalid, "the workspace does not have %s", ref)
	}
	o := &Outcome{setup: w.setup, gates: &gates{set: w.gates.set, judge: w.gates.judge}, StaleDays: w.plugins.staleDays()}
	calls := w.setup.calls(w.plugins)
	calls.Authorize = o.gates
	o.Calls = hostcall.NewRun(calls)
	j := o.admit(ctx, []*resource.Document{d})
	if len(j) == 0 {
		return o, nil
	}
	b, err := w.engine.DeriveIn(ctx, d, o.Calls, o.gates.require)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	w.setup.countFailures(w.plugins.installed, err)
	if err != nil {
		o.Failed = append(o.Failed, Failed{d, err})
		return o, nil
	}
	return o, o.judgeOne(ctx, j[0], b)
}

// judgeOne asks about what was derived from one document.
func (o *Outcome) judgeOne(ctx context.Context, j *Judged, b *bundle.Bundle) error {
	j.Decisions = append(j.Decisions, o.gates.judge.Outputs(ctx, objectOf(j.Document), outputsOf(b)))
	if j.Allowed() {
		o.Results = append(o.Results, Derived{j, b})
	} else {
		o.Denied = append(o.Denied, j)
	}
	return ctx.Err()
}

// Documents returns the references of all documents, sorted.
func (w *Workspace) Documents() []abi.Ref {
	w.mu.RLock()
	defer w.mu.RUnlock()
	refs := make([]abi.Ref, 0, len(w.documents))
	for ref := range w.documents {
		refs = append(refs, ref)
	}
	slices.SortFunc(refs, abi.Ref.Compare)
	return refs
}
