package pipeline

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/internal/outputkind"
	"github.com/latticenet/lattice-host/internal/problem"
)

// bundle puts the runs together.
func (d *derivation) bundle() (*bundle.Bundle, []error) {
	// Runs end in any order; the chains that lead to them are different, as no object is a
	// duplicate below.
	slices.SortFunc(d.runs, compareRuns)
	objects, errs := d.objects()
	errs = append(errs, d.scalers(objects)...)
	if len(errs) > 0 {
		return nil, errs
	}
	b := bundle.Content{
		Resource:       d.root.Ref,
		Document:       d.root.JSON(),
		Platform:       d.engine.settings.Platform,
		SettingsDigest: d.engine.settingsDigest, ApplyIntermediate: d.engine.settings.ApplyIntermediate,
		Outputs: make([]bundle.Output, 0, len(objects)),
		Results: []bundle.Result{},
	}
	for _, o := range objects {
		output, err := o.output()
		if err != nil {
			return nil, []error{o.bad(o.owner, err)}
		}
		b.Outputs = append(b.Outputs, output)
	}
	slices.SortFunc(b.Outputs, func(x, y bundle.Output) int { return compareOutputs(&x, &y) })
	for _, r := range d.runs {
		addSteps(&b, r)
		b.Results = append(b.Results, r.results...)
		b.HostCalls = append(b.HostCalls, r.hostCallRecords()...)
	}
	slices.SortFunc(b.Results, compareResults)
	b.Results = slices.Compact(b.Results)
	return bundle.New(b), nil
}

// compareRuns orders runs by the way from the root: the root's own first, then by depth, pipeline
// and document.
func compareRuns(a, b *run) int {
	if d := len(a.chain) - len(b.chain); d != 0 {
		return d
	}
	if d := strings.Compare(a.plan.pipeline.Name, b.plan.pipeline.Name); d != 0 {
		return d
	}
	return slices.CompareFunc(a.chain, b.chain, func(x, y link) int { return x.ref.Compare(y.ref) })
}

// objects returns the outputs of all runs. One object from two runs is a conflict, unless one step
// derived equal ones from two documents that were derived together: those share it.
func (d *derivation) objects() ([]*object, []error) {
	byRef := map[abi.Ref]*object{}
	var objects []*object
	var errs []error
	for _, r := range d.runs {
		for _, o := range r.outputs {
			if other, ok := byRef[o.ref]; ok {
				if other.run.plan == r.plan && other.owner == o.owner && bytes.Equal(other.document, o.document) {
					continue
				}
				errs = append(errs, r.stepError(o.owner, o.ref, "", emittedTwice(other)))
				continue
			}
			byRef[o.ref] = o
			objects = append(objects, o)
		}
	}
	if len(objects) > abi.MaxOutputs {
		root := d.runs[0]
		errs = append(errs, problem.Problem{
			Cause: ErrPlugin, Position: root.position("metadata.name"), Object: objectText(d.root.Ref),
			Message: "the steps emit " + strconv.Itoa(len(objects)) + " outputs, a bundle holds at most " + strconv.Itoa(abi.MaxOutputs),
		})
	}
	return objects, errs
}

// scalers checks that nothing fights a scaler: its target must not set replicas.
func (d *derivation) scalers(objects []*object) []error {
	var errs []error
	for _, scaler := range objects {
		if !isScaler(scaler.ref.GroupKind()) {
			continue
		}
		for _, target := range objects {
			if !scales(scaler, target) || cbor.Lookup(target.document, "spec", "replicas") == nil {
				continue
			}
			setter := target.setter("spec.replicas")
			errs = append(errs, target.run.stepError(setter, target.ref, "spec.replicas",
				conflict("must be left out, as "+scaler.owner.text()+" scales the object with "+scaler.ref.String()+
					"; the two would undo each other's changes")))
		}
	}
	return errs
}

func isScaler(kind abi.GroupKind) bool {
	return kind == abi.GroupKind{Group: "keda.sh", Kind: "ScaledObject"} ||
		kind == abi.GroupKind{Group: "autoscaling", Kind: "HorizontalPodAutoscaler"}
}

// scales reports whether a scaler's scaleTargetRef names target. KEDA's default is a Deployment.
func scales(scaler, target *object) bool {
	ref := cbor.Lookup(scaler.document, "spec", "scaleTargetRef")
	kind := cbor.TextAt(ref, "kind")
	if kind == "" {
		kind = "Deployment"
	}
	if target.ref.Kind != kind || target.ref.Name != cbor.TextAt(ref, "name") || target.ref.Namespace != scaler.ref.Namespace {
		return false
	}
	want := abi.Ref{APIVersion: cbor.TextAt(ref, "apiVersion"), Kind: kind}
	return want.APIVersion == "" || want.GroupKind() == target.ref.GroupKind()
}

// setter returns the step that set a field.
func (o *object) setter(field string) *plannedStep {
	path := strings.Split(field, ".")
	for _, c := range o.contributions {
		if cbor.Lookup(o.emitted, path...) == nil && cbor.Lookup(c.fields, path...) != nil {
			return c.step
		}
	}
	return o.owner
}

// output returns the object as the bundle holds it.
func (o *object) output() (bundle.Output, error) {
	text, err := cbor.ToJSON(nil, o.document)
	if err != nil {
		return bundle.Output{}, err
	}
	output := bundle.Output{
		Ref: o.ref, Document: text, Stage: outputkind.Of(o.ref.GroupKind()).Stage,
		Pipeline: o.run.plan.pipeline.Name, Step: o.owner.name,
		Derived: o.derived, Owners: o.owners,
	}
	if !o.run.isRoot() {
		output.From = &o.run.doc.Ref
	}
	return output, nil
}

// addSteps records the steps of a run, each pipeline once.
func addSteps(b *bundle.Content, r *run) {
	name := r.plan.pipeline.Name
	if slices.ContainsFunc(b.Steps, func(s bundle.Step) bool { return s.Pipeline == name }) {
		return
	}
	for _, i := range r.plan.order {
		b.Steps = append(b.Steps, r.plan.steps[i].record)
	}
}
