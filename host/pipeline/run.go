package pipeline

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/abi/contract"
	"github.com/latticenet/lattice-host/host/hostcall"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/internal/problem"
)

// run is one pipeline at work on one document.
type run struct {
	derivation *derivation
	plan       *plan
	doc        *resource.Document
	// document is doc as the steps receive it.
	document cbor.Raw
	// chain leads from the root document to this one.
	chain []link
	// siblings are the documents that are derived from the same output as this one, itself
	// included.
	siblings peers
	// answers holds, by step, what it said; nil for a step that did not come to a good end.
	answers []*answer
	// callers holds, by step, what answered its host calls; nil for a step whose plugin has no
	// capability.
	callers []*hostcall.Step

	// outputs and results are there after a good end, the outputs sorted by reference.
	outputs []*object
	results []bundle.Result
}

// isRoot reports whether the document is the user's own.
func (r *run) isRoot() bool { return len(r.chain) == 1 }

// position returns the place of a field in the user's file. For a derived document that is the
// user's document.
func (r *run) position(field string) problem.Position {
	if !r.isRoot() {
		return r.derivation.root.Position("metadata.name")
	}
	return r.doc.Position(field)
}

// stepError says what went wrong in a step, and about which field of which output.
func (r *run) stepError(s *plannedStep, object abi.Ref, path string, err error) error {
	field := path
	if object != (abi.Ref{}) {
		field = strings.TrimSuffix(object.String()+": "+path, ": ")
	}
	return problem.Problem{
		Position: r.position("metadata.name"), Object: objectText(r.doc.Ref),
		Step: s.name, Plugin: s.record.Plugin + "@" + s.record.Version, Digest: s.digest,
		Field: field, Message: oneLine(err.Error()), Cause: err,
	}
}

// stepErrors returns an error of its own for each problem in err. The plugin and the step that a
// problem names itself are those of s.
func (r *run) stepErrors(s *plannedStep, err error) []error {
	var errs []error
	for _, p := range problem.From(err) {
		p.Step, p.Plugin, p.Digest = "", "", ""
		errs = append(errs, r.stepError(s, abi.Ref{}, "", p))
	}
	return errs
}

// broken returns an error for each rule of the contract that an answer of a step breaks.
func (r *run) broken(s *plannedStep, problems []contract.Problem) []error {
	errs := make([]error, len(problems))
	for i := range problems {
		p := &problems[i]
		path := p.Path
		if p.Object != (abi.Ref{}) {
			path = p.Field
		}
		errs[i] = r.stepError(s, p.Object, path, &answerError{p})
	}
	return errs
}

// execute runs the steps and merges what they say.
func (r *run) execute(ctx context.Context) []error {
	errs := r.uncovered()
	errs = append(errs, r.steps(ctx)...)
	if len(errs) > 0 || ctx.Err() != nil {
		return errs
	}
	if i := slices.Index(r.answers, nil); i >= 0 {
		return []error{r.stepError(r.plan.steps[i], abi.Ref{}, "", badAnswer("the step ended without an answer"))}
	}
	outputs, errs := r.objects(func(int) bool { return true }, func(abi.GroupKind) bool { return true })
	errs = append(errs, r.orphans(outputs)...)
	errs = append(errs, r.doubleContext()...)
	for _, o := range outputs {
		errs = append(errs, o.merge()...)
	}
	r.outputs = outputs
	r.collectResults()
	return errs
}

// uncovered reports what the document asks for and no step handles.
func (r *run) uncovered() []error {
	var problems problem.List
	for _, f := range r.doc.Features() {
		if slices.ContainsFunc(r.plan.steps, func(s *plannedStep) bool { return slices.Contains(s.covers, f.Name) }) {
			continue
		}
		problems = append(problems, problem.Problem{
			Position: r.position(f.Field), Object: objectText(r.doc.Ref), Field: f.Field,
			Message: f.Name + verb(f.Name) + "not covered by any installed step; install a plugin that covers " + quoted(f.Name) +
				" for " + r.doc.Ref.Kind + " and add it to the pipeline, or remove the field",
		})
	}
	if len(problems) == 0 {
		return nil
	}
	return []error{problems}
}

// verb goes with the name of a feature.
func verb(feature string) string {
	if strings.HasSuffix(feature, "s") && feature != resource.FeatureTLS && feature != resource.FeaturePublicDNS {
		return " are "
	}
	return " is "
}

// steps runs every step as soon as those before it are done. Steps that depend on one that failed
// are left out: their results would be worthless.
func (r *run) steps(ctx context.Context) []error {
	n := len(r.plan.steps)
	r.answers = make([]*answer, n)
	r.callers = make([]*hostcall.Step, n)
	errs := make([][]error, n)
	work := func(i int) { r.answers[i], errs[i] = r.step(ctx, i) }
	done := make(chan int, n)
	queue, running := newQueue(r.plan), 0
	for {
		i, ok := queue.next()
		switch {
		case !ok && running == 0:
			return slices.Concat(errs...)
		case !ok:
			queue.finish(<-done)
			running--
		case ctx.Err() != nil, r.isCut(i), r.isIdle(i), r.recall(ctx, i):
			queue.finish(i)
		case running == 0 && queue.empty():
			// Nothing could be done at the same time.
			work(i)
			queue.finish(i)
		default:
			running++
			go func() {
				defer func() { done <- i }()
				work(i)
			}()
		}
	}
}

// isCut reports whether a step before this one did not come to a good end. Those that are not
// before it may be running.
func (r *run) isCut(i int) bool {
	for j := range r.plan.steps {
		if r.plan.before[i].has(j) && r.answers[j] == nil {
			return true
		}
	}
	return false
}

// isIdle reports whether a step has nothing to say about the document by its manifest. Its answer
// is empty then.
func (r *run) isIdle(i int) bool {
	when := r.plan.steps[i].when
	if len(when) == 0 || r.doc.UsesAny(when) {
		return false
	}
	r.answers[i] = &answer{response: &abi.Response{}}
	return true
}

// recall answers for a step whose plugin need not be run, and reports whether that is so. It is not
// worth a goroutine.
func (r *run) recall(ctx context.Context, i int) bool {
	plugin, ok := r.plan.steps[i].plugin.(Recaller)
	if !ok || len(r.plan.steps[i].manifest.Capabilities) > 0 {
		return false
	}
	a, errs := r.stepBy(ctx, i, func(_ context.Context, req *abi.Request) (*abi.Response, []string, error) {
		if resp, ok := plugin.Recall(req); ok {
			return resp, nil, nil
		}
		return nil, nil, errNotRecalled
	})
	if len(errs) > 0 {
		// Whatever it is, running the plugin tells.
		return false
	}
	r.answers[i] = a
	return true
}

// errNotRecalled says that a plugin must be run.
var errNotRecalled = errors.New("no answer is at hand")

// step runs one step.
func (r *run) step(ctx context.Context, i int) (*answer, []error) {
	s := r.plan.steps[i]
	if err := s.asked.ask(ctx, s); err != nil {
		return nil, []error{err}
	}
	return r.stepBy(r.withCaller(ctx, s), i, s.plugin.Derive)
}

// derive is [Plugin.Derive], or a replacement.
type derive func(context.Context, *abi.Request) (*abi.Response, []string, error)

// stepBy runs one step, which derive answers.
func (r *run) stepBy(ctx context.Context, i int, derive derive) (*answer, []error) {
	s := r.plan.steps[i]
	req, errs := r.request(i)
	if len(errs) > 0 {
		return nil, errs
	}
	a, errs := r.call(ctx, s, req, derive)
	if len(errs) > 0 {
		return nil, errs
	}
	if problems := r.refusals(a.response.Results); len(problems) > 0 {
		return nil, []error{problems}
	}
	return a, nil
}

// request puts together what a step may see.
func (r *run) request(i int) (*abi.Request, []error) {
	s := r.plan.steps[i]
	req := &abi.Request{
		ABI: abi.Version, Step: s.name, Resource: r.document, Settings: s.settings,
		Platform: r.derivation.engine.settings.Platform.Only(s.manifest.Platform),
	}
	before := r.plan.before[i].has
	if len(s.manifest.Reads) > 0 {
		read, errs := r.objects(before, func(k abi.GroupKind) bool { return slices.Contains(s.manifest.Reads, k) })
		for _, o := range read {
			errs = append(errs, o.merge()...)
			req.Outputs = append(req.Outputs, abi.Output{Ref: o.ref, Document: o.document})
		}
		if len(errs) > 0 {
			return nil, errs
		}
	}
	if len(s.manifest.ContextConsumed) > 0 {
		entries, errs := r.context(before)
		if len(errs) > 0 {
			return nil, errs
		}
		for _, e := range entries {
			if slices.Contains(s.manifest.ContextConsumed, e.Key) {
				req.Context = append(req.Context, e.ContextEntry)
			}
		}
	}
	return req, nil
}

// objects returns the outputs of the chosen steps and kinds with the contributions of the chosen
// steps, sorted by reference. Two steps that emit one object are conflicts.
func (r *run) objects(chosen func(int) bool, kinds func(abi.GroupKind) bool) ([]*object, []error) {
	byRef := map[abi.Ref]*object{}
	var objects []*object
	var errs []error
	for _, i := range r.plan.order {
		if !chosen(i) {
			continue
		}
		s := r.plan.steps[i]
		for _, o := range r.answers[i].response.Outputs {
			if !kinds(o.Ref.GroupKind()) {
				continue
			}
			if other, ok := byRef[o.Ref]; ok {
				errs = append(errs, r.stepError(s, o.Ref, "", emittedTwice(other)))
				continue
			}
			byRef[o.Ref] = &object{ref: o.Ref, run: r, owner: s, emitted: o.Document, document: o.Document}
			objects = append(objects, byRef[o.Ref])
		}
	}
	for _, i := range r.plan.order {
		if !chosen(i) {
			continue
		}
		for _, c := range r.answers[i].response.Contributions {
			if o, ok := byRef[c.Ref]; ok {
				o.contributions = append(o.contributions, contribution{r.plan.steps[i], c.Fields})
			}
		}
	}
	slices.SortFunc(objects, func(a, b *object) int { return a.ref.Compare(b.ref) })
	return objects, errs
}

func emittedTwice(other *object) error {
	return conflict(other.owner.text() + " of pipeline " + other.run.plan.pipeline.Name +
		" emits the same object; an object has one owner, the others contribute to it")
}

// orphans reports contributions to objects that no step emitted.
func (r *run) orphans(outputs []*object) []error {
	var errs []error
	for i, a := range r.answers {
		for _, c := range a.response.Contributions {
			_, found := slices.BinarySearchFunc(outputs, c.Ref, func(o *object, ref abi.Ref) int { return o.ref.Compare(ref) })
			if !found {
				errs = append(errs, r.stepError(r.plan.steps[i], c.Ref, "", badAnswer("the step contributes to an object that no step emitted")))
			}
		}
	}
	return errs
}

// producedEntry is a context entry with the step that left it.
type producedEntry struct {
	abi.ContextEntry
	step *plannedStep
}

// context returns the context of the chosen steps, sorted by key. Two steps that leave one key are
// conflicts.
func (r *run) context(chosen func(int) bool) ([]producedEntry, []error) {
	var entries []producedEntry
	var errs []error
	for _, i := range r.plan.order {
		if !chosen(i) {
			continue
		}
		s := r.plan.steps[i]
		for _, e := range r.answers[i].response.Context {
			at := slices.IndexFunc(entries, func(o producedEntry) bool { return o.Key == e.Key })
			if at >= 0 {
				errs = append(errs, r.stepError(s, abi.Ref{}, "context."+e.Key,
					conflict(entries[at].step.text()+" leaves the same key; remove one of the steps")))
				continue
			}
			entries = append(entries, producedEntry{e, s})
		}
	}
	slices.SortFunc(entries, func(a, b producedEntry) int { return strings.Compare(a.Key, b.Key) })
	return entries, errs
}

func (r *run) doubleContext() []error {
	_, errs := r.context(func(int) bool { return true })
	return errs
}

// refusals turns the errors among results into problems of the document.
func (r *run) refusals(results []abi.Result) problem.List {
	var problems problem.List
	for _, result := range results {
		if result.Severity == abi.SeverityError {
			problems = append(problems, problem.Problem{
				Position: r.position(result.Field), Object: objectText(r.doc.Ref),
				Field: result.Field, Message: oneLine(result.Message),
			})
		}
	}
	return problems
}

// collectResults keeps what the steps had to say, and keys of answers that the host does not know.
func (r *run) collectResults() {
	var from abi.Ref
	if !r.isRoot() {
		from = r.doc.Ref
	}
	for _, i := range r.plan.order {
		result := bundle.Result{Pipeline: r.plan.pipeline.Name, Step: r.plan.steps[i].name, Resource: from}
		for _, said := range r.answers[i].response.Results {
			result.Severity, result.Field, result.Message = said.Severity, printable(said.Field), oneLine(said.Message)
			r.results = append(r.results, result)
		}
		for _, key := range r.answers[i].unknown {
			result.Severity, result.Field = abi.SeverityWarning, ""
			result.Message = "the plugin answered with " + quoted(printable(key)) + ", which ABI 1 does not have; it was ignored"
			r.results = append(r.results, result)
		}
	}
}
