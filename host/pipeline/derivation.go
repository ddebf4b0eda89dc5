package pipeline

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/host/hostcall"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/internal/problem"
)

// derivation makes one bundle: the run of the root document and those of the documents that are
// derived in turn.
type derivation struct {
	engine *Engine
	root   *resource.Document
	peers  peers
	// calls answers host calls; nil denies each.
	calls *hostcall.Derivation
	admit AdmitFunc

	mu   sync.Mutex
	runs []*run
	errs []error
}

// link is one document on the way from the root to a derived document.
type link struct {
	ref abi.Ref
	// step emitted the document, in run; nil for the root.
	step *plannedStep
	run  *run
}

func (e *Engine) derive(ctx context.Context, doc *resource.Document, peers peers, calls *hostcall.Run, admit AdmitFunc) (*bundle.Bundle, []error) {
	plan, err := e.planFor(ctx, doc.Ref.GroupKind())
	switch {
	case err != nil:
		return nil, []error{err}
	case plan == nil:
		return nil, []error{errNoPipeline(doc, e.Kinds())}
	}
	d := &derivation{engine: e, root: doc, peers: peers, admit: admit}
	d.calls = calls.Begin(doc.Ref, d.resolve)
	d.document(ctx, &run{plan: plan, doc: doc, chain: []link{{ref: doc.Ref}}})
	if err := d.calls.Err(); err != nil {
		d.errs = append(d.errs, d.overBudget(err))
	}
	if len(d.errs) > 0 || ctx.Err() != nil {
		return nil, d.errs
	}
	bundle, errs := d.bundle()
	if len(errs) > 0 {
		return nil, errs
	}
	d.calls.Finish(d.callers())
	return bundle, nil
}

// overBudget says that the steps made too many host calls.
func (d *derivation) overBudget(err error) error {
	return problem.Problem{
		Cause: err, Position: d.root.Position("metadata.name"), Object: objectText(d.root.Ref), Message: oneLine(err.Error()),
	}
}

// document runs a pipeline on one document and on what is derived from it.
func (d *derivation) document(ctx context.Context, r *run) {
	r.derivation, r.document = d, r.doc.CBOR()
	errs := r.execute(ctx)
	if len(errs) > 0 || ctx.Err() != nil {
		d.add(nil, errs)
		return
	}
	d.add(r, nil)
	d.derived(ctx, r)
}

func (d *derivation) add(r *run, errs []error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r != nil {
		d.runs = append(d.runs, r)
	}
	d.errs = append(d.errs, errs...)
}

// derived derives the outputs whose kind has a pipeline, at the same time if there are several.
func (d *derivation) derived(ctx context.Context, r *run) {
	var next []*run
	var documents []*resource.Document
	for _, o := range r.outputs {
		if !d.engine.derives(o.ref.GroupKind()) {
			continue
		}
		if inner := d.inTurn(ctx, r, o); inner != nil {
			next, documents = append(next, inner), append(documents, inner.doc)
		}
	}
	siblings := newPeers(documents)
	var wg sync.WaitGroup
	defer wg.Wait()
	for i, inner := range next {
		inner.siblings = siblings
		if i == len(next)-1 {
			d.document(ctx, inner)
			return
		}
		wg.Go(func() { d.document(ctx, inner) })
	}
}

// inTurn returns the run of an output that is derived in turn, or nil when it cannot be.
func (d *derivation) inTurn(ctx context.Context, r *run, o *object) *run {
	plan, err := d.engine.planFor(ctx, o.ref.GroupKind())
	fail := func(err error) { d.add(nil, []error{err}) }
	if err != nil {
		fail(err)
		return nil
	}
	if slices.ContainsFunc(r.chain, func(l link) bool { return l.ref == o.ref }) {
		fail(r.stepError(o.owner, o.ref, "", badAnswer("the object is derived from itself")))
		return nil
	}
	if len(r.chain) > abi.MaxDerivedDepth {
		fail(r.stepError(o.owner, o.ref, "", badAnswer("the object would be derived in turn, but documents are derived at most "+
			strconv.Itoa(abi.MaxDerivedDepth)+" deep")))
		return nil
	}
	doc, err := resource.FromDerived(o.document, d.engine.settings.Documents(d.engine.kinds))
	if err != nil {
		for _, text := range lines(err) {
			fail(r.stepError(o.owner, o.ref, "", badAnswer("the derived document is not valid: "+text)))
		}
		return nil
	}
	o.derived = true
	return &run{plan: plan, doc: doc, chain: append(slices.Clone(r.chain), link{o.ref, o.owner, r})}
}

// lines returns one text for each problem that err holds.
func lines(err error) []string {
	var problems problem.List
	if !errors.As(err, &problems) {
		return []string{err.Error()}
	}
	texts := make([]string, len(problems))
	for i, p := range problems {
		texts[i] = p.Message
		if p.Field != "" {
			texts[i] = p.Field + ": " + p.Message
		}
	}
	return texts
}

// object is one output on its way into the bundle.
type object struct {
	ref   abi.Ref
	run   *run
	owner *plannedStep
	// emitted is what the owner emitted, document what all steps made of it.
	emitted       cbor.Raw
	document      cbor.Raw
	contributions []contribution
	// owners are set by merging.
	owners []bundle.Owner
	// derived says that the object was derived in turn.
	derived bool
}

// contribution is what one step adds to an object.
type contribution struct {
	step   *plannedStep
	fields cbor.Raw
}
